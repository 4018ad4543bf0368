import { useState, useSyncExternalStore } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { PageProblem, VisitTexts } from '../../shared/page-view.ts'
import { lengthInWords } from '../../shared/times.ts'
import { movedText, notRecorded } from '../../shared/wording.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import styles from './visit-panel.module.css'
import { VisitAgain } from './visit-panel.tsx'

type MovedNoticeProps = { visit: VisitTexts; server: string; servers: ServerRow[] }

/**
 * Tells a visitor whose cookie was not followed. Whether it was so is filled into the finished page (see
 * web/shared/page-view.ts): so the notice is always in it, and the style shows it to whom it concerns.
 */
export function MovedNotice({ visit, server, servers }: MovedNoticeProps) {
  const later = useMoveUpdate(visit, server, servers)
  return (
    <p className={`${ui.notice} ${styles.moved}`} data-arrival={visit.arrival}>
      {/* Keeps the lines that it took. */}
      <span className={later ? styles.before : undefined}>{visit.moved_text}</span>
      {later && <span>{later}</span>}
    </p>
  )
}

/**
 * What the board came to know of a move after the page was answered: that the former server, up by its last sign then,
 * gave no other and is lost, or was started anew. Kept when it is no longer shown; null until there is such news.
 */
function useMoveUpdate(visit: VisitTexts, server: string, servers: ServerRow[]): string | null {
  const hydrated = useHydrated()
  const [known, setKnown] = useState<string | null>(null)
  const from = servers.find(({ srv_id }) => srv_id === visit.cookie)
  // Of one that stopped it is not known whether that was before the visit.
  const mayTell = from !== undefined && from.state !== 'stopped'
  if (hydrated && known === null && mayTell && visit.moved_text.includes(notRecorded)) {
    const text = movedText(from, server, visit.at)
    if (!text.includes(notRecorded)) setKnown(text)
  }
  return known
}

/** Tells a visitor who got no number why, and that all else on the page goes on. */
export function ProblemNotice({ problem: { code, message, retry_after } }: { problem: PageProblem }) {
  const earlierTry = useEarlierTry()
  return (
    <section aria-label="This visit" className={`${ui.notice} ${styles.problem}`} data-code={code}>
      <p>
        <strong>{message}</strong>{' '}
        {earlierTry && (
          <span>But another had it before, and did not answer: that one may have counted it. </span>
        )}
        <span>{`Try again in ${lengthInWords(retry_after)}, or later. What stands below goes on by itself.`}</span>
      </p>
      <VisitAgain />
    </section>
  )
}

const never = () => () => {}

/**
 * Whether NGINX had sent this page view to another server before, which did not answer. Of the headers that say so a page can
 * read `Server-Timing` alone, and that only over HTTPS or on localhost.
 */
function useEarlierTry(): boolean {
  return useSyncExternalStore(never, hasEarlierTry, () => false)
}

function hasEarlierTry(): boolean {
  const [entry] = performance.getEntriesByType('navigation')
  const timings = entry instanceof PerformanceNavigationTiming ? entry.serverTiming : []
  return !!timings?.some(({ name }) => name === 'earlier-try')
}
