// The audit: a badge that says whether the figures shown agree, and a dialog with the audit of the whole log.
// board/board-header.tsx renders the badge. The dialog reads /api/audit; equation.tsx, which it loads, shows
// the figures, and consistency.ts compares them.

import { type MouseEvent, type RefObject, useEffect, useEffectEvent, useId, useRef, useState } from 'react'
import { agrees, isAudit, type Snapshot } from '../../shared/api.ts'
import { utcTime } from '../../shared/times.ts'
import { Answers, fetchAnswer, useAnswer } from '../live/answers.ts'
import { Moment, ShapeIcon } from '../ui/badges.tsx'
import { Action } from '../ui/frame.tsx'
import { LoadFailed, useLater } from '../ui/later.tsx'
import { steadyNow, useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import styles from './audit.module.css'

type BadgeProps = {
  snapshot: Snapshot
  /** false: the badge says when the figures were exact */
  current: boolean
}

/** Without JavaScript the badge is a link to /api/audit. */
export function AuditBadge({ snapshot, current }: BadgeProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [openedAt, setOpenedAt] = useState<number | null>(null)
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
    setOpenedAt(steadyNow())
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
      <AuditDialog ref={dialog} openedAt={openedAt} onClose={() => setOpenedAt(null)} />
    </>
  )
}

type Props = {
  ref: RefObject<HTMLDialogElement | null>
  /** ms of a steady clock; null = it is closed */
  openedAt: number | null
  onClose(): void
}

// A long log that was not counted before takes some time.
const timeoutMs = 60_000
const audits = new Answers((_openedAt: number) => fetchAnswer(isAudit, '/api/audit', timeoutMs))
const onlyOnRequest = () => null

const importEquation = () => import('./equation.tsx').then(({ Equation }) => Equation)

/** The audit. It costs the database more than other requests, so it runs when the dialog opens, and again only on request. */
function AuditDialog({ ref, openedAt, onClose }: Props) {
  const title = useId()
  const { data, error, loading, again } = useAnswer(audits, openedAt, { retryMs: onlyOnRequest })
  const { part: Equation, failed, load } = useLater(importEquation)
  // Beside the count, which takes longer.
  const loadOnce = useEffectEvent(() => {
    if (openedAt !== null && !Equation) load()
  })
  useEffect(() => loadOnce(), [openedAt])
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
        <div className={styles.result} aria-live="polite" aria-busy={loading}>
          {data && Equation && <Equation audit={data} />}
          {failed && <LoadFailed name="The audit" onRetry={load} />}
          {!(data && Equation) && !error && !failed && <p className={styles.note}>Counting the log.</p>}
          {error && !loading && <p className={styles.bad}>{`The audit failed: ${error.message}`}</p>}
        </div>
        <div className={styles.actions}>
          <Action className={ui.smallButton} disabled={loading} onPress={again}>
            Count again
          </Action>
          <button type="button" className={ui.smallButton} onClick={close}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  )
}
