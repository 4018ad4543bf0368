'use client'

import type { PageView } from '../../page/page-view.ts'
import { AuditBadge } from '../audit/audit-badge.tsx'
import { useFormats } from '../figures/use-formats.ts'
import { useHydrated } from '../figures/use-hydrated.ts'
import { HistoryPanel } from '../history/history-panel.tsx'
import { ConnectionStatus } from '../live/connection-status.tsx'
import { useLiveBoard } from '../live/use-live-board.ts'
import { LogPanel } from '../log/log-panel.tsx'
import { ServersPanel } from '../servers/servers-panel.tsx'
import { TryPanel } from '../try/try-panel.tsx'
import { VisitPanel } from '../visit/visit-panel.tsx'
import styles from './board.module.css'

/** The whole page: complete as HTML, alive once it runs in the browser. */
export function Board({ view }: { view: PageView }) {
  const { board, status } = useLiveBoard(view.snapshot)
  const { snapshot, trouble, hues } = board
  const counter = useCounter(view, snapshot.counter)
  const title = `${useFormats().whole(counter)} · Balance Board`
  return (
    <div className={styles.page}>
      <title>{title}</title>
      <header className={styles.header}>
        <h1>Balance Board</h1>
        <ConnectionStatus status={status} trouble={trouble} figuresAt={snapshot.at} />
        <AuditBadge snapshot={snapshot} />
      </header>
      <main className={styles.bands}>
        <VisitPanel view={view} counter={counter} hue={hues[view.server.srv_id]} />
        <HistoryPanel servers={snapshot.servers} hues={hues} />
        <ServersPanel snapshot={snapshot} hues={hues} yourServerId={view.server.id} />
        <LogPanel view={view} snapshot={snapshot} hues={hues} />
        <TryPanel servers={snapshot.servers} hues={hues} stickySeconds={view.sticky_seconds} />
      </main>
      <footer className={styles.footer}>
        <noscript>
          <p>
            Without JavaScript this page stands still, with times in UTC. “Visit again” brings the next
            figures, and counts; after “Forget my server” the page stays as it is until you visit again.{' '}
          </p>
        </noscript>
        <p>
          Each view of this page is counted once, by whichever server the load balancer picks. The cookie
          srv_id leads you back to the same one.
        </p>
      </footer>
    </div>
  )
}

/** The counter, never less than what this visit was answered with: the board's own figures may be a moment older. */
function useCounter({ visit }: PageView, counter: number): number | string {
  const hydrated = useHydrated()
  if (!visit) return counter
  return hydrated ? Math.max(Number(visit.counter), counter) : visit.counter
}
