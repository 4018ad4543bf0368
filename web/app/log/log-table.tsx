import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import { ColumnHeader, Row, Table, TableBody, TableHead } from '../ui/table.tsx'
import styles from './log-table.module.css'
import { LogTableRow } from './log-table-row.tsx'
import type { LogChoice } from './log-url.ts'
import type { ShownRow } from './shown-row.ts'
import { WhyRow } from './why-row.tsx'

type Props = {
  rows: ShownRow[]
  hues: Hues
  servers: ServerRow[]
  /** number of the row that is opened */
  opened: string | null
  onOpen(id: string): void
  onChoose(choice: Partial<LogChoice>): void
  busy: boolean
}

export function LogTable({ rows, hues, servers, opened, onOpen, onChoose, busy }: Props) {
  return (
    <div aria-busy={busy} className={styles.busy}>
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
          {/* A row's place is its key: new rows change texts in place, and nothing on the page moves. */}
          {rows.flatMap((row, key) => {
            const open = row.id === opened
            const shown = (
              <LogTableRow key={key} row={row} hue={hues[row.srv_id]} open={open} onOpen={onOpen} />
            )
            if (!open) return [shown]
            return [shown, <WhyRow key={`${key} why`} row={row} servers={servers} onChoose={onChoose} />]
          })}
        </TableBody>
      </Table>
    </div>
  )
}
