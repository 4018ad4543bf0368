import { Moment } from '../ui/moment.tsx'
import opener from '../ui/opener.module.css'
import { ServerName } from '../ui/server-name.tsx'
import { Cell, Row, RowHeader } from '../ui/table.tsx'
import { useFormats } from '../ui/use-formats.ts'
import { useHydrated } from '../ui/use-hydrated.ts'
import { YouMark } from '../ui/you-mark.tsx'
import styles from './log-table.module.css'
import type { ShownRow } from './shown-row.ts'

type Props = { row: ShownRow; hue: number | undefined; open: boolean; onOpen(id: string): void }

/** One hit: its number, when, who, which server and why that one. */
export function LogTableRow({ row, hue, open, onOpen }: Props) {
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
            className={`${opener.opener} ${styles.reason}`}
            aria-expanded={open}
            aria-label={`${row.why}: why number ${formats.whole(row.id)} reached ${row.server}`}
            onClick={() => onOpen(row.id)}
          >
            {row.why}
          </button>
        ) : (
          <span>{row.why}</span>
        )}
        {row.own && <YouMark>this visit</YouMark>}
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
