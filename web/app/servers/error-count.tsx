import { useId, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import opener from '../ui/opener.module.css'
import { useFormats } from '../ui/use-formats.ts'
import { useHydrated } from '../ui/use-hydrated.ts'
import styles from './error-count.module.css'
import { errorCodesText } from './health-text.ts'
import table from './servers-table.module.css'

/** How many page views a server answered with an error; pressed, by code. */
export function ErrorCount({ server: { name, errors, error_codes } }: { server: ServerRow }) {
  const id = useId()
  const hydrated = useHydrated()
  const [open, setOpen] = useState(false)
  const formats = useFormats()
  const count = formats.whole(errors)
  const word = errors === 1 ? ' error' : ' errors'
  const codes = errorCodesText(error_codes, formats)
  const shown = (
    <>
      <span>{count}</span>
      <span className={table.unit}>{word}</span>
    </>
  )
  if (!codes) return shown
  const label = `${count}${word} of ${name} by code`
  const text = `${name}: ${codes}`
  if (hydrated && !('popover' in HTMLElement.prototype)) {
    return (
      <>
        <button
          type="button"
          className={opener.opener}
          aria-expanded={open}
          aria-controls={id}
          aria-label={label}
          onClick={() => setOpen(!open)}
        >
          {shown}
        </button>
        <div id={id} hidden={!open} className={`${styles.codes} ${styles.beneath}`}>
          {text}
        </div>
      </>
    )
  }
  return (
    <>
      <button type="button" className={opener.opener} popoverTarget={id} aria-label={label}>
        {shown}
      </button>
      <div id={id} popover="auto" className={styles.codes}>
        {text}
      </div>
    </>
  )
}
