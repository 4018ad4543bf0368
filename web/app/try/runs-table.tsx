import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import { ServerName } from '../ui/server-name.tsx'
import { ShareBar } from '../ui/share-bar.tsx'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import { useFormats } from '../ui/use-formats.ts'
import { runRows } from './run-rows.ts'
import styles from './runs-table.module.css'
import type { Visitor } from './use-visit-runs.ts'
import { doneOf, type Tally } from './visit-tally.ts'

type Props = { servers: ServerRow[]; hues: Hues; tallies: Record<Visitor, Tally | null> }

/** Both runs side by side, a server a row; every server stands there from the start, so nothing moves. */
export function RunsTable({ servers, hues, tallies }: Props) {
  const rows = runRows(servers, [tallies.myself, tallies.strangers])
  return (
    <Table label="Visits sent, by server" className={styles.table}>
      <TableHead>
        <Row>
          <ColumnHeader>Server</ColumnHeader>
          <ColumnHeader className={styles.count}>As myself</ColumnHeader>
          <ColumnHeader className={styles.count}>As strangers</ColumnHeader>
        </Row>
      </TableHead>
      <TableBody>
        {rows.map(({ srv_id, name }) => (
          <Row key={srv_id} className={styles.row}>
            <RowHeader>
              <ServerName name={name} hue={hues[srv_id]} />
            </RowHeader>
            <VisitsCell label="as myself" srvId={srv_id} tally={tallies.myself} />
            <VisitsCell label="as strangers" srvId={srv_id} tally={tallies.strangers} />
          </Row>
        ))}
      </TableBody>
    </Table>
  )
}

function VisitsCell({ label, srvId, tally }: { label: string; srvId: string; tally: Tally | null }) {
  const { whole } = useFormats()
  const visits = tally?.servers[srvId]?.visits ?? 0
  const done = tally ? doneOf(tally) : 0
  return (
    <Cell className={styles.count}>
      <span className={styles.visits}>
        <ShareBar thousandths={done > 0 ? Math.round((visits * 1000) / done) : 0} />
        <span className={styles.figure}>{tally ? whole(visits) : '–'}</span>
        <span className={styles.label}>{label}</span>
      </span>
    </Cell>
  )
}
