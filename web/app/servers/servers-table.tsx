import type { ServerRow, Snapshot } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import { ServerName } from '../ui/server-name.tsx'
import { ColumnHeader, Row, Table, TableBody, TableHead } from '../ui/table.tsx'
import { YouMark } from '../ui/you-mark.tsx'
import { ServerHealth } from './server-health.tsx'
import { ServerTableRow } from './server-table-row.tsx'
import styles from './servers-table.module.css'
import { sharesOf } from './shares.ts'
import { State } from './state.tsx'

type Props = {
  snapshot: Snapshot
  hues: Hues
  /** the life of the server that answered this visit */
  yourServerId: number
}

const add = (sum: number, value: number) => sum + value

/** Hits per server; with those of servers no longer shown they add up to the counter. */
export function ServersTable({
  snapshot: { servers, earlier_hits, counter, at },
  hues,
  yourServerId,
}: Props) {
  const shares = sharesOf([...servers.map(({ hits }) => hits), earlier_hits])
  const nameOf = ({ id, name, srv_id }: ServerRow) => (
    <>
      <ServerName name={name} hue={hues[srv_id]} whole />
      {id === yourServerId && <YouMark>yours</YouMark>}
    </>
  )
  return (
    <Table label="Hits per server" className={styles.table}>
      <TableHead>
        <Row>
          <ColumnHeader>Server</ColumnHeader>
          <ColumnHeader className={styles.hits}>Hits</ColumnHeader>
          <ColumnHeader className={styles.share}>Share</ColumnHeader>
          <ColumnHeader className={styles.state}>State</ColumnHeader>
          <ColumnHeader className={styles.rate}>Hits/s</ColumnHeader>
          <ColumnHeader className={`${styles.detail} ${styles.latency}`}>p50 / p99 ms</ColumnHeader>
          <ColumnHeader className={`${styles.detail} ${styles.errors}`}>Errors</ColumnHeader>
          <ColumnHeader className={`${styles.detail} ${styles.watching}`}>Watching</ColumnHeader>
          <ColumnHeader className={`${styles.detail} ${styles.uptime}`}>Uptime</ColumnHeader>
          <ColumnHeader className={`${styles.detail} ${styles.memory}`}>Memory</ColumnHeader>
        </Row>
      </TableHead>
      <TableBody>
        {servers.map((server, place) => (
          <ServerTableRow
            key={server.id}
            name={nameOf(server)}
            state={<State server={server} today={at} />}
            health={<ServerHealth server={server} now={at} />}
            hits={server.hits}
            share={shares[place] ?? 0}
            rate={server.rate}
            address={server.address}
            {...(server.id === yourServerId && { kind: 'yours' })}
          />
        ))}
        {earlier_hits > 0 && (
          <ServerTableRow
            name={<ServerName name="earlier servers" hue={undefined} />}
            hits={earlier_hits}
            share={shares.at(-1) ?? 0}
          />
        )}
        <ServerTableRow
          kind="sum"
          name="All together"
          hits={counter}
          share={shares.reduce(add, 0)}
          rate={servers.map(({ rate }) => rate).reduce(add, 0)}
        />
      </TableBody>
    </Table>
  )
}
