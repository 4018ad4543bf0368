import type { Snapshot } from '../../answers.ts'
import type { PageView } from '../../page/page-view.ts'
import { useHydrated } from '../figures/use-hydrated.ts'
import { Panel } from '../frame/panel.tsx'
import type { Hues } from '../servers/hues.ts'
import { ColumnHeader, Row, Table, TableBody, TableHead } from '../table/table.tsx'
import styles from './log-table.module.css'
import { LogTableRow } from './log-table-row.tsx'
import { firstRows, orderedRows, ownRow } from './shown-row.ts'

type Props = { view: PageView; snapshot: Snapshot; hues: Hues }

/** The newest hits, one a row. */
export function LogPanel({ view, snapshot: { log, at }, hues }: Props) {
  const own = ownRow(view)
  const rows = useHydrated() ? orderedRows(own, log, at) : firstRows(own, log, at)
  return (
    <Panel title="Latest visits" note="The newest 50, newest first">
      <Table label="Latest visits" className={styles.table}>
        <TableHead>
          <Row>
            <ColumnHeader className={styles.number}>Number</ColumnHeader>
            <ColumnHeader className={styles.server}>Server</ColumnHeader>
            <ColumnHeader className={styles.why}>Why this server</ColumnHeader>
            <ColumnHeader className={styles.visitor}>Visitor</ColumnHeader>
            <ColumnHeader className={styles.time}>Time</ColumnHeader>
          </Row>
        </TableHead>
        <TableBody>
          {rows.map(row => (
            <LogTableRow key={row.own ? 'own' : row.id} row={row} hue={hues[row.srv_id]} />
          ))}
        </TableBody>
      </Table>
    </Panel>
  )
}
