// The servers: how the hits are spread over them, and how each of them does. board/board.tsx renders the panel from each
// snapshot; the page's address holds the order. server-health.tsx has the cells that a server reports itself.
// server-rows.ts has the order, the shares and the texts, also for other panels.

import { memo, type ReactNode } from 'react'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { ServerName, ShareBar, YouBadge } from '../ui/badges.tsx'
import { padRate, useFormats } from '../ui/formats.ts'
import { Panel } from '../ui/frame.tsx'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import { NoServerHealth, ServerHealth, ServerHealthHeaders, StateBadge } from './server-health.tsx'
import { type Order, orderNames, orderOf, orders, sharesOf, useOrder } from './server-rows.ts'
import styles from './servers-panel.module.css'

type Props = { snapshot: Snapshot; hues: Hues; yourServerId: number }

export const ServersPanel = memo(function ServersPanel({ snapshot, hues, yourServerId }: Props) {
  const formats = useFormats()
  const [servers, order, setOrder] = useOrder(snapshot.servers)
  return (
    <Panel title="Servers" note={`Up to visit ${formats.whole(snapshot.counter)}`}>
      <OrderChoice order={order} onChoose={setOrder} />
      <ServersTable snapshot={{ ...snapshot, servers }} hues={hues} yourServerId={yourServerId} />
    </Panel>
  )
})

type OrderChoiceProps = { order: Order; onChoose(order: Order): void }

function OrderChoice({ order, onChoose }: OrderChoiceProps) {
  return (
    <label className={`${ui.fieldLabel} ${styles.orderChoice}`}>
      Sort by
      <select className={ui.field} value={order} onChange={event => onChoose(orderOf(event.target.value))}>
        {orderNames.map(name => (
          <option key={name} value={name}>
            {orders[name]}
          </option>
        ))}
      </select>
    </label>
  )
}

type ServersTableProps = {
  snapshot: Snapshot
  hues: Hues
  /** the id of the instance that answered this visit */
  yourServerId: number
}

const add = (sum: number, value: number) => sum + value

/** A row per server. With the hits of servers no longer shown they add up to the counter. */
function ServersTable({
  snapshot: { servers, earlier_hits, counter, at },
  hues,
  yourServerId,
}: ServersTableProps) {
  const shares = sharesOf([...servers.map(({ hits }) => hits), earlier_hits])
  const nameOf = ({ id, name, srv_id }: ServerRow) => (
    <>
      <ServerName name={name} hue={hues[srv_id]} whole />
      {id === yourServerId && <YouBadge>yours</YouBadge>}
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
          <ServerHealthHeaders />
        </Row>
      </TableHead>
      <TableBody>
        {servers.map((server, place) => (
          <ServerTableRow
            key={server.id}
            name={nameOf(server)}
            state={<StateBadge server={server} today={at} />}
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
          name="Total"
          hits={counter}
          share={shares.reduce(add, 0)}
          rate={servers.map(({ rate }) => rate).reduce(add, 0)}
        />
      </TableBody>
    </Table>
  )
}

type ServerTableRowProps = {
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

/** A row of one server, of all servers no longer shown, or of the total. */
function ServerTableRow({ name, state, hits, share, rate, health, address, kind }: ServerTableRowProps) {
  const formats = useFormats()
  return (
    <Row kind={kind} className={styles.row}>
      <RowHeader className={styles.name}>
        {name}
        {address && <code className={styles.address}>{address}</code>}
      </RowHeader>
      <Cell className={styles.hits}>
        <span>{formats.whole(hits)}</span>
        <span className={styles.unit}>{hits === 1 ? ' hit' : ' hits'}</span>
      </Cell>
      <Cell className={styles.share}>
        <div className={styles.shared}>
          {kind !== 'sum' && <ShareBar thousandths={share} hue={undefined} />}
          <span className={styles.figure}>{formats.share(share)}</span>
        </div>
      </Cell>
      <Cell className={styles.state}>{state}</Cell>
      <Cell className={styles.rate}>
        {rate !== undefined && <span>{padRate(formats.rate(rate))}</span>}
        {rate !== undefined && <span className={styles.unit}>/s</span>}
      </Cell>
      {health ?? <NoServerHealth />}
    </Row>
  )
}
