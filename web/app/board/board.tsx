'use client'

import type { PageView } from '../../shared/page-view.ts'
import { HistoryPanel } from '../history/history-panel.tsx'
import { LogPanel } from '../log/log-panel.tsx'
import { Picture } from '../picture/picture.tsx'
import { ServersPanel } from '../servers/servers-panel.tsx'
import { TryPanel } from '../try/try-panel.tsx'
import { useFormats } from '../ui/use-formats.ts'
import { useHydrated } from '../ui/use-hydrated.ts'
import { MovedNotice } from '../visit/moved-notice.tsx'
import { ProblemNotice } from '../visit/problem-notice.tsx'
import { VisitPanel } from '../visit/visit-panel.tsx'
import styles from './board.module.css'
import { BoardHeader } from './board-header.tsx'
import { Paced } from './paced.tsx'
import { useLiveBoard } from './use-live-board.ts'

/** The whole page: complete as HTML, alive once it runs in the browser. */
export function Board({ view }: { view: PageView }) {
  const live = useLiveBoard(view.snapshot)
  const { snapshot, hues } = live.board
  const counter = useCounter(view, snapshot.counter)
  const title = `${useFormats().whole(counter)} · Balance Board`
  return (
    <div className={styles.page}>
      <title>{title}</title>
      <div className={styles.band}>
        <BoardHeader live={live} snapshot={snapshot} />
      </div>
      <main className={styles.bands}>
        <div className={`${styles.band} ${styles.top}`}>
          {view.visit && (
            <MovedNotice visit={view.visit} server={view.server.name} servers={snapshot.servers} />
          )}
          {view.problem && <ProblemNotice problem={view.problem} />}
          <VisitPanel
            view={view}
            counter={counter}
            servers={snapshot.servers}
            hue={hues[view.server.srv_id]}
          />
        </div>
        <Picture view={view} snapshot={snapshot} hues={hues} />
        <div className={styles.band}>
          <HistoryPanel hues={hues} />
        </div>
        <div className={`${styles.band} ${styles.details}`}>
          <Paced snapshot={snapshot}>
            {shown => <ServersPanel snapshot={shown} hues={hues} yourServerId={view.server.id} />}
          </Paced>
          <Paced snapshot={snapshot} className={styles.log}>
            {shown => <LogPanel view={view} snapshot={shown} hues={hues} />}
          </Paced>
          <Paced snapshot={snapshot} className={styles.try}>
            {shown => <TryPanel servers={shown.servers} hues={hues} stickySeconds={view.sticky_seconds} />}
          </Paced>
        </div>
      </main>
      <footer className={`${styles.band} ${styles.footer}`}>
        <noscript>
          <p>
            Without JavaScript this page stands still, with times in UTC. “Visit again” brings the next
            figures, and counts; after “Forget my server” the page stays as it is until you visit again.{' '}
          </p>
        </noscript>
        <p>
          Each view of this page is counted once, by whichever server the load balancer picks. The cookie
          srv_id leads you back to the same one. <a href="/api/snapshot">These figures as JSON</a>
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
