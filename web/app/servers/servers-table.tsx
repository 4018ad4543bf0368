import type { ServerRow, Snapshot } from '../../answers.ts'
import { ServerName } from '../marks/server-name.tsx'
import { ColumnHeader, Row, Table, TableBody, TableHead } from '../table/table.tsx'
import type { Hues } from './hues.ts'
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

/** Hits per server; with those of servers no longer shown they add up to the counter. */
export function ServersTable({ snapshot: { servers, earlier_hits, counter }, hues, yourServerId }: Props) {
  const shares = sharesOf([...servers.map(({ hits }) => hits), earlier_hits])
  const name = ({ id, name, srv_id }: ServerRow) => (
    <>
      <ServerName name={name} hue={hues[srv_id]} />
      {id === yourServerId && <span className={styles.mark}>yours</span>}
    </>
  )
  return (
    <Table label="Hits per server" className={styles.table}>
      <TableHead className={styles.head}>
        <Row>
          <ColumnHeader className={styles.name}>Server</ColumnHeader>
          <ColumnHeader className={styles.state}>State</ColumnHeader>
          <ColumnHeader className={styles.hits}>Hits</ColumnHeader>
          <ColumnHeader className={styles.share}>Share</ColumnHeader>
          <ColumnHeader className={styles.bar}>
            <span className={styles.unseen}>Share, drawn</span>
          </ColumnHeader>
          <ColumnHeader className={styles.rate}>Hits a second</ColumnHeader>
          <ColumnHeader className={styles.address}>Address</ColumnHeader>
        </Row>
      </TableHead>
      <TableBody>
        {servers.map((server, place) => (
          <ServerTableRow
            key={server.id}
            name={name(server)}
            state={<State state={server.state} />}
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
          share={shares.reduce((sum, share) => sum + share, 0)}
          rate={servers.reduce((sum, { rate }) => sum + rate, 0)}
        />
      </TableBody>
    </Table>
  )
}
