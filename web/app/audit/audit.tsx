// The audit: a badge that says whether the figures shown agree, and a dialog with the audit of the whole log.
// board/board-header.tsx renders the badge. The dialog reads /api/audit; consistency.ts compares the figures.

import { type MouseEvent, type RefObject, useId, useRef, useState } from 'react'
import useSWR from 'swr'
import { type Audit, agrees, isAudit, type Snapshot } from '../../shared/api.ts'
import { utcTime } from '../../shared/times.ts'
import { fetchAnswer } from '../live/api-client.ts'
import { Moment, ShapeIcon } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import styles from './audit.module.css'
import { auditTerms } from './consistency.ts'

type BadgeProps = {
  snapshot: Snapshot
  /** false: the badge says when the figures were exact */
  current: boolean
}

/** Without JavaScript the badge is a link to /api/audit. */
export function AuditBadge({ snapshot, current }: BadgeProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [opened, setOpened] = useState(false)
  const exact = agrees(snapshot)
  const verdict = exact ? (
    'Exact'
  ) : (
    <>
      <ShapeIcon shape="cross" /> Not equal
    </>
  )
  const words = current ? (
    <span key={`${exact} now`}>
      {verdict}
      {exact && ' ✓'}
    </span>
  ) : (
    <span key={`${exact} then`}>
      {verdict} at <Moment iso={snapshot.at} plain={utcTime(snapshot.at, snapshot.at)} to="second" />
    </span>
  )
  if (!useHydrated()) {
    return (
      <a href="/api/audit" className={styles.badge} data-bad={exact ? undefined : ''}>
        {words}
      </a>
    )
  }
  function open() {
    setOpened(true)
    dialog.current?.showModal()
  }
  return (
    <>
      <button
        type="button"
        className={styles.badge}
        data-bad={exact ? undefined : ''}
        aria-haspopup="dialog"
        title={
          exact ? 'The servers’ hits add up to the counter' : 'The servers’ hits do not add up to the counter'
        }
        onClick={open}
      >
        {words}
      </button>
      <AuditDialog ref={dialog} opened={opened} onClose={() => setOpened(false)} />
    </>
  )
}

type Props = { ref: RefObject<HTMLDialogElement | null>; opened: boolean; onClose(): void }

// A long log that was not counted before takes some time.
const timeoutMs = 60_000
const readAudit = (url: string) => fetchAnswer(isAudit, url, timeoutMs)

/** The audit. It costs the database more than other requests, so it runs when the dialog opens, and again only on request. */
function AuditDialog({ ref, opened, onClose }: Props) {
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
  // The content fills the dialog: a click on the dialog itself is a click on its backdrop.
  const closeOnBackdrop = (event: MouseEvent) => event.target === event.currentTarget && close()
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-labelledby={title}
      onClose={onClose}
      onClick={closeOnBackdrop}
    >
      <div className={styles.inside}>
        <h2 id={title}>Is it exact?</h2>
        <p className={styles.note}>
          The number of visits, counted in several ways, from one consistent read of the database.
        </p>
        <div className={styles.result} aria-live="polite" aria-busy={isValidating}>
          {data && <Equation audit={data} />}
          {!data && !error && <p className={styles.note}>Counting the log.</p>}
          {error && !isValidating && <p className={styles.bad}>{`The audit failed: ${error.message}`}</p>}
        </div>
        <div className={styles.actions}>
          <button type="button" className={ui.smallButton} disabled={isValidating} onClick={() => mutate()}>
            Count again
          </button>
          <button type="button" className={ui.smallButton} onClick={close}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  )
}

/** The audit's figures, one a line; each says whether it equals the first. */
function Equation({ audit }: { audit: Audit }) {
  const { whole } = useFormats()
  const terms = auditTerms(audit)
  return (
    <>
      <ol className={styles.terms}>
        {terms.map(({ name, value, parts, equal }, place) => (
          <li key={name} className={styles.term} data-bad={equal ? undefined : ''}>
            <span className={styles.sign}>{place > 0 && (equal ? '=' : '≠')}</span>
            <span className={styles.value}>{whole(value)}</span>
            <span>
              {name}
              {parts && (
                <span className={styles.parts}>
                  {parts.map(part => `${whole(part.value)} ${part.name}`).join(' + ')}
                </span>
              )}
            </span>
          </li>
        ))}
      </ol>
      <p className={styles.verdict} data-bad={audit.consistent ? undefined : ''}>
        {audit.consistent ? 'All are equal ✓' : 'They are not equal ✕'}
      </p>
    </>
  )
}
