import { useId } from 'react'
import type { ServerRow } from '../../answers.ts'
import { useFormats } from '../figures/use-formats.ts'
import opener from '../frame/opener.module.css'
import styles from './error-count.module.css'
import { errorCodesText } from './health-text.ts'
import table from './servers-table.module.css'

/** How many page views a server answered with an error; pressed, by code. */
export function ErrorCount({ server: { name, errors, error_codes } }: { server: ServerRow }) {
  const id = useId()
  const formats = useFormats()
  const count = formats.whole(errors)
  const word = errors === 1 ? ' error' : ' errors'
  const codes = errorCodesText(error_codes, formats)
  const shown = (
    <>
      {count}
      <span className={table.unit}>{word}</span>
    </>
  )
  if (!codes) return shown
  return (
    <>
      <button
        type="button"
        className={opener.opener}
        popoverTarget={id}
        aria-label={`${count}${word} of ${name} by code`}
      >
        {shown}
      </button>
      <div id={id} popover="auto" className={styles.codes}>
        {`${name}: ${codes}`}
      </div>
    </>
  )
}
