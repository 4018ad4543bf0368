// Sends visits from this browser, with its cookie and without it, and shows which servers answered. board/board.tsx renders
// the panel. visit-runs.ts sends the visits and counts the outcomes; it tells the visit panel about a renewed cookie
// (visit/sticky-cookie.ts).

import { memo } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { ServerName, ShareBar } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { Panel } from '../ui/frame.tsx'
import { PhoneFold } from '../ui/phone-fold.tsx'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import styles from './try-panel.module.css'
import {
  type CookieChoice,
  doneOf,
  runRows,
  runText,
  type Tally,
  useVisitRuns,
  visitsARun,
} from './visit-runs.ts'

type Props = {
  servers: ServerRow[]
  hues: Hues
  /** lifetime of the sticky cookie */
  stickySeconds: number
}

const cookieChoices: CookieChoice[] = ['own', 'none']
const labels: Record<CookieChoice, string> = { own: 'With my cookie', none: 'Without a cookie' }

export const TryPanel = memo(function TryPanel({ servers, hues, stickySeconds }: Props) {
  const { tallies, running, ended, start, cancel } = useVisitRuns(stickySeconds)
  const tally = running && tallies[running]
  const last = ended && tallies[ended]
  return (
    <Panel title="Try it" note="Real visits: counted and logged">
      <noscript>
        <p>Sending visits needs JavaScript. “Visit again” sends one.</p>
      </noscript>
      <PhoneFold label={`Send ${visitsARun} visits`} className={styles.try}>
        <div className={styles.controls}>
          <p>
            Send {visitsARun} visits. With your cookie they should all reach one server. Without it NGINX
            chooses the least busy server for each.
          </p>
          <div className={styles.actions}>
            {cookieChoices.map(cookie => (
              <button
                key={cookie}
                type="button"
                className={ui.button}
                disabled={running !== null}
                onClick={() => start(cookie)}
              >
                {labels[cookie]}
              </button>
            ))}
            <button type="button" className={ui.button} disabled={running === null} onClick={cancel}>
              Cancel
            </button>
          </div>
          <div className={styles.outcome}>
            <progress
              className={styles.progress}
              max={visitsARun}
              value={tally ? doneOf(tally) : 0}
              data-idle={running ? undefined : ''}
              aria-label="Visits answered"
            />
            <p aria-live="polite">{ended && last ? `${labels[ended]}: ${runText(last, visitsARun)}` : ''}</p>
          </div>
        </div>
        <RunsTable servers={servers} hues={hues} tallies={tallies} />
      </PhoneFold>
    </Panel>
  )
})

type RunsTableProps = { servers: ServerRow[]; hues: Hues; tallies: Record<CookieChoice, Tally | null> }

/** Both runs side by side, a row per server. Every server has a row from the start, so nothing moves. */
function RunsTable({ servers, hues, tallies }: RunsTableProps) {
  const rows = runRows(servers, [tallies.own, tallies.none])
  return (
    <Table label="Visits sent, by server" className={styles.table}>
      <TableHead>
        <Row>
          <ColumnHeader>Server</ColumnHeader>
          <ColumnHeader className={styles.count}>{labels.own}</ColumnHeader>
          <ColumnHeader className={styles.count}>{labels.none}</ColumnHeader>
        </Row>
      </TableHead>
      <TableBody>
        {rows.map(({ srv_id, name }) => (
          <Row key={srv_id} className={styles.row}>
            <RowHeader>
              <ServerName name={name} hue={hues[srv_id]} />
            </RowHeader>
            <VisitsCell label="my cookie" srvId={srv_id} hue={hues[srv_id]} tally={tallies.own} />
            <VisitsCell label="no cookie" srvId={srv_id} hue={hues[srv_id]} tally={tallies.none} />
          </Row>
        ))}
      </TableBody>
    </Table>
  )
}

type VisitsCellProps = { label: string; srvId: string; hue: number | undefined; tally: Tally | null }

function VisitsCell({ label, srvId, hue, tally }: VisitsCellProps) {
  const { whole } = useFormats()
  const visits = tally?.servers[srvId]?.visits ?? 0
  const done = tally ? doneOf(tally) : 0
  return (
    <Cell className={styles.count}>
      <span className={styles.visits}>
        <ShareBar thousandths={done > 0 ? Math.round((visits * 1000) / done) : 0} hue={hue} />
        <span className={styles.figure}>{tally ? whole(visits) : '–'}</span>
        <span className={styles.label}>{label}</span>
      </span>
    </Cell>
  )
}
