import type { ReactNode } from 'react'
import { padRate } from '../ui/pad-rate.ts'
import { ShareBar } from '../ui/share-bar.tsx'
import { Cell, Row, RowHeader } from '../ui/table.tsx'
import { useFormats } from '../ui/use-formats.ts'
import styles from './servers-table.module.css'

type Props = {
  name: ReactNode
  state?: ReactNode
  hits: number
  /** thousandths of all hits */
  share: number
  rate?: number
  /** the cells of ServerHealth */
  health?: ReactNode
  address?: string
  kind?: 'sum' | 'yours'
}

/** A row of the servers' table: one server, those no longer shown together, or all. */
export function ServerTableRow({ name, state, hits, share, rate, health, address, kind }: Props) {
  const formats = useFormats()
  return (
    <Row kind={kind} className={styles.row}>
      <RowHeader className={styles.name}>
        {name}
        {address && <code className={styles.address}>{address}</code>}
      </RowHeader>
      <Cell className={styles.hits}>
        <span>{formats.whole(hits)}</span>
        <span className={styles.unit}> hits</span>
      </Cell>
      <Cell className={styles.share}>
        <div className={styles.shared}>
          {kind !== 'sum' && <ShareBar thousandths={share} />}
          <span className={styles.figure}>{formats.share(share)}</span>
        </div>
      </Cell>
      <Cell className={styles.state}>{state}</Cell>
      <Cell className={styles.rate}>
        {rate !== undefined && <span>{padRate(formats.rate(rate))}</span>}
        {rate !== undefined && <span className={styles.unit}>/s</span>}
      </Cell>
      {health ??
        ['latency', 'errors', 'watching', 'uptime', 'memory'].map(place => (
          <Cell key={place} className={`${styles.nothing} ${styles[place]}`} />
        ))}
    </Row>
  )
}
