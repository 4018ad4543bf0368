import type { ServerRow } from '../../shared/api.ts'
import button from '../ui/button.module.css'
import { Cell, Row } from '../ui/table.tsx'
import { explain } from './explanation.ts'
import type { LogChoice } from './log-url.ts'
import type { ShownRow } from './shown-row.ts'
import styles from './why-row.module.css'

type Props = { row: ShownRow; servers: ServerRow[]; onChoose(choice: Partial<LogChoice>): void }

/** Under an opened row: why that server, when to the millisecond in UTC, and more like it. */
export function WhyRow({ row, servers, onChoose }: Props) {
  return (
    <Row className={styles.row}>
      <Cell span={5} className={styles.cell}>
        <p className={styles.why}>{explain(row, servers)}</p>
        <p className={styles.facts}>
          <span>
            srv_id <code>{row.srv_id}</code>
          </span>
          <code>{row.at}</code>
        </p>
        <p className={styles.more}>
          <button type="button" className={button.small} onClick={() => onChoose({ srv_id: row.srv_id })}>
            {`Only ${row.server}`}
          </button>
          {/* The own address is known whole, and can be asked for only as others see it. */}
          {!row.own && (
            <button
              type="button"
              className={button.small}
              onClick={() => onChoose({ client_ip: row.client_ip })}
            >
              {`Only ${row.client_ip}`}
            </button>
          )}
        </p>
      </Cell>
    </Row>
  )
}
