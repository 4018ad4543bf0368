import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { Moment, ServerName, YouBadge } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import styles from './log-panel.module.css'
import { explain, type LogFilter, type ShownRow } from './log-rows.ts'

type Props = {
  rows: ShownRow[]
  hues: Hues
  servers: ServerRow[]
  /** number of the open row */
  opened: string | null
  onOpen(id: string): void
  onFilter(filter: Partial<LogFilter>): void
  busy: boolean
}

export function LogTable({ rows, hues, servers, opened, onOpen, onFilter, busy }: Props) {
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
          {/* The index is the key: new rows change the texts in place, and nothing moves. */}
          {rows.flatMap((row, key) => {
            const open = row.id === opened
            const shown = (
              <LogTableRow key={key} row={row} hue={hues[row.srv_id]} open={open} onOpen={onOpen} />
            )
            if (!open) return [shown]
            return [shown, <WhyRow key={`${key} why`} row={row} servers={servers} onFilter={onFilter} />]
          })}
        </TableBody>
      </Table>
    </div>
  )
}

type LogTableRowProps = { row: ShownRow; hue: number | undefined; open: boolean; onOpen(id: string): void }

function LogTableRow({ row, hue, open, onOpen }: LogTableRowProps) {
  const formats = useFormats()
  return (
    <Row kind={row.own ? 'yours' : undefined} className={styles.row}>
      <RowHeader className={styles.number}>{formats.whole(row.id)}</RowHeader>
      <Cell className={styles.server}>
        <ServerName name={row.server} hue={hue} />
      </Cell>
      <Cell className={styles.why}>
        {useHydrated() ? (
          <button
            type="button"
            className={`${ui.opener} ${styles.reason}`}
            aria-expanded={open}
            aria-label={`${row.why}: why number ${formats.whole(row.id)} reached ${row.server}`}
            onClick={() => onOpen(row.id)}
          >
            {row.why}
          </button>
        ) : (
          <span>{row.why}</span>
        )}
        {row.own && <YouBadge>this visit</YouBadge>}
      </Cell>
      <Cell className={styles.visitor}>
        <code>{row.client_ip}</code>
      </Cell>
      <Cell className={styles.time}>
        <Moment iso={row.at} plain={row.time} />
      </Cell>
    </Row>
  )
}

type WhyRowProps = { row: ShownRow; servers: ServerRow[]; onFilter(filter: Partial<LogFilter>): void }

/** Below an open row: why that server, the time in UTC to the millisecond, and filters for similar rows. */
function WhyRow({ row, servers, onFilter }: WhyRowProps) {
  return (
    <Row className={styles.openedRow}>
      <Cell span={5} className={styles.openedCell}>
        <p className={styles.explanation}>{explain(row, servers)}</p>
        <p className={styles.facts}>
          <span>
            srv_id <code>{row.srv_id}</code>
          </span>
          <code>{row.at}</code>
        </p>
        <p className={styles.more}>
          <button type="button" className={ui.smallButton} onClick={() => onFilter({ srv_id: row.srv_id })}>
            {`Only ${row.server}`}
          </button>
          {/* The own row has the full address. The filter accepts only the masked form that others see. */}
          {!row.own && (
            <button
              type="button"
              className={ui.smallButton}
              onClick={() => onFilter({ client_ip: row.client_ip })}
            >
              {`Only ${row.client_ip}`}
            </button>
          )}
        </p>
      </Cell>
    </Row>
  )
}
