import { useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { PageProblem, VisitTexts } from '../../shared/page-view.ts'
import { shownState } from '../../shared/shown-state.ts'
import { lengthInWords } from '../../shared/times.ts'
import { movedText, notRecorded } from '../../shared/wording.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import styles from './visit-panel.module.css'
import { VisitAgain } from './visit-panel.tsx'

type MovedNoticeProps = { visit: VisitTexts; server: string; snapshot: Snapshot }

/**
 * Tells visitors why their cookie was not followed. The arrival is filled into the finished page (see
 * web/shared/page-view.ts), so the notice is in every page, and the style shows it only to moved visitors.
 */
export function MovedNotice({ visit, server, snapshot }: MovedNoticeProps) {
  const update = useMoveUpdate(visit, server, snapshot)
  return (
    <p className={`${ui.notice} ${styles.moved}`} data-arrival={visit.arrival}>
      {/* The first text stays, hidden, to keep its height. */}
      <span className={update ? styles.before : undefined}>{visit.moved_text}</span>
      {update && <span>{update}</span>}
    </p>
  )
}

/**
 * What the board learns about a move after the page was answered: the former server, up at its last heartbeat then, is silent or
 * was restarted. The text stays when the server is no longer shown; null until there is news.
 */
function useMoveUpdate(visit: VisitTexts, server: string, { servers, at }: Snapshot): string | null {
  const hydrated = useHydrated()
  const [update, setUpdate] = useState<string | null>(null)
  const from = servers.find(({ srv_id }) => srv_id === visit.cookie)
  // For a stopped server it is unknown whether it stopped before the visit.
  const isKnown = from !== undefined && from.state !== 'stopped'
  if (hydrated && update === null && isKnown && visit.moved_text.includes(notRecorded)) {
    const state = shownState(from, at) === 'silent' ? 'lost' : from.state
    const text = movedText({ ...from, state }, server, visit.at)
    if (!text.includes(notRecorded)) setUpdate(text)
  }
  return update
}

/** Tells a visitor without a number why, and that the rest of the page works. */
export function ProblemNotice({ problem: { code, message, retry_after } }: { problem: PageProblem }) {
  const earlierTry = useHydrated() && hasEarlierTry()
  return (
    <section aria-label="This visit" className={`${ui.notice} ${styles.problem}`} data-code={code}>
      <p>
        <strong>{message}</strong>{' '}
        {earlierTry && (
          <span>But NGINX first tried another server, which did not answer and may have counted it. </span>
        )}
        <span>{`Try again in ${lengthInWords(retry_after)}, or later. The board below has the last known figures.`}</span>
      </p>
      <VisitAgain />
    </section>
  )
}

/**
 * Whether NGINX first sent this page view to another server, which did not answer. Of the headers that say so, a page can read
 * only `Server-Timing`, and only over HTTPS or on localhost.
 */
function hasEarlierTry(): boolean {
  const [entry] = performance.getEntriesByType('navigation')
  const timings = entry instanceof PerformanceNavigationTiming ? entry.serverTiming : []
  return !!timings?.some(({ name }) => name === 'earlier-try')
}
