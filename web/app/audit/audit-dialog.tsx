import { type MouseEvent, type RefObject, useId } from 'react'
import useSWR from 'swr'
import type { Audit } from '../../shared/api.ts'
import { isAudit } from '../live/answer-guards.ts'
import { fetchAnswer } from '../live/fetch-answer.ts'
import button from '../ui/button.module.css'
import styles from './audit-dialog.module.css'
import { Equation } from './equation.tsx'

type Props = { ref: RefObject<HTMLDialogElement | null>; opened: boolean; onClose(): void }

// A long log that was not counted before takes a while.
const timeoutMs = 60_000
const readAudit = (url: string) => fetchAnswer(isAudit, url, timeoutMs)

/** The audit, taken when it is opened: it costs the database more than other answers, so it is asked for once, and again only when told to. */
export function AuditDialog({ ref, opened, onClose }: Props) {
  const title = useId()
  const { data, error, isValidating, mutate } = useSWR<Audit, Error>(
    opened ? '/api/audit' : null,
    readAudit,
    {
      revalidateOnFocus: false,
      revalidateOnReconnect: false,
      dedupingInterval: 0,
      shouldRetryOnError: false,
    },
  )
  const close = () => ref.current?.close()
  // What is inside the dialog stands in a box of its own: a click on the dialog itself is one beside that.
  const closeBeside = (event: MouseEvent) => event.target === event.currentTarget && close()
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-labelledby={title}
      onClose={onClose}
      onClick={closeBeside}
    >
      <div className={styles.inside}>
        <h2 id={title}>Is it exact?</h2>
        <p className={styles.note}>
          Four ways to say how many visits there were, from one consistent reading of the database.
        </p>
        <div className={styles.result} aria-live="polite" aria-busy={isValidating}>
          {data && <Equation audit={data} />}
          {!data && !error && <p className={styles.note}>Counting the log.</p>}
          {error && !isValidating && (
            <p className={styles.bad}>{`The audit could not be taken: ${error.message}`}</p>
          )}
        </div>
        <div className={styles.actions}>
          <button type="button" className={button.small} disabled={isValidating} onClick={() => mutate()}>
            Count again
          </button>
          <button type="button" className={button.small} onClick={close}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  )
}
