'use client'

// The whole page: complete as HTML, and live once it runs in the browser. page.tsx renders it for a visit. It subscribes to
// the live board (live/watch-board.ts) and passes the same snapshot to the header (board-header.tsx) and to each panel, which
// has its own folder. So in every frame all figures and states are of one moment, also those that are off the screen.

import { startTransition, useEffect, useMemo, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import { type PackedView, unpackView } from '../../shared/packed-snapshot.ts'
import type { PageView } from '../../shared/page-view.ts'
import { EventLine } from '../events/event-line.tsx'
import { HistoryPanel } from '../history/history-panel.tsx'
import { LabPanel } from '../lab/lab-panel.tsx'
import { startBoard } from '../live/live-board.ts'
import { isCurrent, type LiveView, watchBoard } from '../live/watch-board.ts'
import { LogPanel } from '../log/log-panel.tsx'
import { Picture } from '../picture/picture.tsx'
import { ServersPanel } from '../servers/servers-panel.tsx'
import { useFormats } from '../ui/formats.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import { MovedNotice, ProblemNotice } from '../visit/notices.tsx'
import { VisitPanel } from '../visit/visit-panel.tsx'
import styles from './board.module.css'
import { BoardHeader } from './board-header.tsx'
import { BoardRetry } from './board-retry.tsx'

type Props = { view: PackedView }

export function Board({ view }: Props) {
  return (
    <BoardRetry>
      <Bands view={view} />
    </BoardRetry>
  )
}

function Bands({ view: packed }: Props) {
  const view = useMemo(() => unpackView(packed), [packed])
  const live = useLiveBoard(view.snapshot)
  const { snapshot, hues } = live.board
  const current = isCurrent(live, view.problem !== null)
  const counter = useCounter(view, snapshot.counter)
  const title = `${useFormats().whole(counter)} · Balance Board`
  return (
    <div className={styles.page}>
      <title>{title}</title>
      <a href="#board" className={ui.skipLink}>
        Skip to your visit
      </a>
      <BoardHeader live={live} current={current} monitoring={view.monitoring} />
      <main id="board" tabIndex={-1} className={styles.bands}>
        <div className={styles.visit}>
          {view.visit && <MovedNotice visit={view.visit} server={view.server.name} snapshot={snapshot} />}
          {view.problem && <ProblemNotice problem={view.problem} />}
          <VisitPanel
            view={view}
            counter={counter}
            snapshot={snapshot}
            current={current}
            hue={hues[view.server.srv_id]}
          />
        </div>
        <section aria-labelledby="flow">
          <h2 id="flow" className={ui.visuallyHidden}>
            How visits flow
          </h2>
          <EventLine board={live.board} ownSrvId={view.server.srv_id} openedAt={view.snapshot.at} />
          <Picture
            view={view}
            snapshot={snapshot}
            hues={hues}
            current={current}
            databaseAway={live.board.outage !== null}
          />
        </section>
        <div id="lab" className={styles.lab}>
          <LabPanel
            servers={snapshot.servers}
            at={snapshot.at}
            hues={hues}
            stickySeconds={view.sticky_seconds}
          />
        </div>
        <HistoryPanel hues={hues} current={current} />
        <ServersPanel snapshot={snapshot} hues={hues} yourSrvId={view.server.srv_id} current={current} />
        <div className={styles.log}>
          <LogPanel view={view} snapshot={snapshot} hues={hues} />
        </div>
      </main>
      <footer className={styles.footer}>
        <noscript>
          <p>
            Without JavaScript this page does not update, and its times are in UTC. “Visit again” loads new
            figures, and counts as a visit. “Forget my cookie” changes nothing here until you visit again.{' '}
          </p>
        </noscript>
        <p>
          Each visit is counted once, by a server that NGINX picks. While it lasts, the cookie srv_id brings
          you back to that server. <a href="/api/snapshot">These figures as JSON</a>
        </p>
      </footer>
    </div>
  )
}

/** The counter, at least the value in this visit's answer: the board's figures may be slightly older. */
function useCounter({ visit }: PageView, counter: number): number | string {
  const hydrated = useHydrated()
  if (!visit) return counter
  return hydrated ? Math.max(Number(visit.counter), counter) : visit.counter
}

/** Kept when the board mounts again after an error, so that its figures do not go back. */
let latest: LiveView | undefined

/** The board as in the HTML; after hydration, live. */
function useLiveBoard(first: Snapshot): LiveView {
  const [start] = useState<LiveView>(
    () => latest ?? { board: startBoard(first), status: { kind: 'connecting', old: false } },
  )
  const [live, setLive] = useState(start)
  useEffect(
    () =>
      watchBoard('/api/live', start, view => {
        latest = view
        // React renders a transition in pieces, so that no task is long, and shows all of it in one commit.
        startTransition(() => setLive(view))
      }),
    [start],
  )
  return live
}
