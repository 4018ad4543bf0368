// The servers: how the hits are spread over them, and how each of them does. board/board.tsx renders the panel from each
// snapshot; the page's address holds the order. server-health.tsx has the cells that a server reports itself.
// server-rows.ts has the order, the shares and the texts, also for other panels.

import {
  Fragment,
  memo,
  type ReactNode,
  type RefObject,
  useEffect,
  useEffectEvent,
  useRef,
  useState,
} from 'react'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { shownRate } from '../../shared/shown-state.ts'
import { useControlNotice, useControlToken } from '../control/token.ts'
import type { Hues } from '../live/live-board.ts'
import { ServerName, ShareBar, YouBadge } from '../ui/badges.tsx'
import { padRate, useFormats } from '../ui/formats.ts'
import { Panel } from '../ui/frame.tsx'
import { LoadFailed, useLater } from '../ui/later.tsx'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import { NoServerHealth, ServerHealth, ServerHealthHeaders, StateBadge } from './server-health.tsx'
import { type Order, orderNames, orderOf, orders, rowKeys, sharesOf, useOrder } from './server-rows.ts'
import styles from './servers-panel.module.css'

type Props = {
  snapshot: Snapshot
  hues: Hues
  /** of the server that answered this visit */
  yourSrvId: string
  /** false while nothing is known of this moment: then no rate is shown */
  current: boolean
}

export const ServersPanel = memo(function ServersPanel({ snapshot, ...props }: Props) {
  const formats = useFormats()
  const [servers, order, setOrder] = useOrder(snapshot)
  const controlNotice = useControlNotice()
  const notice = useRef<HTMLParagraphElement>(null)
  useFocusAfterControl(notice)
  const note = `Up to visit ${formats.whole(snapshot.counter)}`
  return (
    <Panel
      title="Servers"
      note={
        <span key={note.length} {...formats.mark('whole')}>
          {note}
        </span>
      }
    >
      <OrderChoice order={order} onChoose={setOrder} />
      {controlNotice && (
        <p ref={notice} role="status" tabIndex={-1}>
          {controlNotice}
        </p>
      )}
      <ServersTable snapshot={{ ...snapshot, servers }} {...props} />
    </Panel>
  )
})

/** When control ends, the focused button goes away with it: the focus goes to the notice that says why. */
function useFocusAfterControl(notice: RefObject<HTMLElement | null>): void {
  const token = useControlToken()
  const before = useRef(token)
  const follow = useEffectEvent(() => {
    const hasEnded = before.current !== null && token === null
    before.current = token
    if (hasEnded && document.activeElement === document.body) notice.current?.focus()
  })
  useEffect(() => follow(), [token])
}

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

/** Loaded when it is opened first: most readers have no token. */
const importControl = () => import('../control/control-panel.tsx').then(({ ControlPanel }) => ControlPanel)

/** Columns that a table with control shows in every window but a phone's. */
const alwaysShown = 8

const add = (sum: number, value: number) => sum + value

/** A row per server, across its restarts. With the hits of servers no longer shown they add up to the counter. */
function ServersTable({ snapshot, hues, yourSrvId, current }: Props) {
  const { servers, earlier_hits, counter, at } = snapshot
  const shares = sharesOf([...servers.map(({ hits }) => hits), earlier_hits])
  const equal = shares.slice(0, -1).reduce(add, 0) / servers.length
  const keys = rowKeys(servers)
  const rates = servers.map(server => shownRate(server, at, current))
  const token = useControlToken()
  const [opened, setOpened] = useState<string | null>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const { part: ControlPanel, failed, load } = useLater(importControl)
  const open = (key: string | null) => {
    setOpened(key)
    if (key !== null && !ControlPanel) load()
  }
  const close = () => {
    opener.current?.focus()
    setOpened(null)
  }
  return (
    <Table label="Hits per server" className={`${styles.table} ${token ? styles.withControl : ''}`}>
      <TableHead>
        <Row>
          <ColumnHeader>Server</ColumnHeader>
          <ColumnHeader>State</ColumnHeader>
          <ColumnHeader>Hits</ColumnHeader>
          <ColumnHeader>
            <span className={styles.equalKey}>
              <svg className={styles.equalMark} viewBox="0 0 2 12" aria-hidden="true">
                <path d="M1 0v12" />
              </svg>
              equal share
            </span>
            Share
          </ColumnHeader>
          <ColumnHeader>Hits/s</ColumnHeader>
          <ServerHealthHeaders />
          {token && (
            <ColumnHeader>
              <span className={ui.visuallyHidden}>Control</span>
            </ColumnHeader>
          )}
        </Row>
      </TableHead>
      <TableBody>
        {servers.map((server, place) => (
          <Fragment key={keys[place]}>
            <ServerTableRow
              name={<NameOf server={server} hue={hues[server.srv_id]} yours={server.srv_id === yourSrvId} />}
              state={<StateBadge server={server} at={at} current={current} />}
              health={<ServerHealth server={server} now={at} />}
              hits={server.hits}
              share={shares[place] ?? 0}
              bar={{ hue: hues[server.srv_id], equal }}
              rate={rates[place] ?? null}
              {...(server.srv_id === yourSrvId && { kind: 'yours' })}
              {...(token && {
                control: (
                  <button
                    ref={opened === keys[place] ? opener : undefined}
                    type="button"
                    className={`${ui.smallButton} ${styles.controlButton}`}
                    aria-label={`Control of ${server.name}`}
                    aria-expanded={opened === keys[place]}
                    onClick={() => open(opened === keys[place] ? null : (keys[place] ?? null))}
                  >
                    ⋯
                  </button>
                ),
              })}
            />
            {token && opened !== null && opened === keys[place] && (
              <Row className={styles.controlRow}>
                <Cell span={alwaysShown}>
                  {ControlPanel && (
                    <ControlPanel server={server} servers={servers} at={at} token={token} onClose={close} />
                  )}
                  {failed && <LoadFailed name="Control" onRetry={load} />}
                </Cell>
              </Row>
            )}
          </Fragment>
        ))}
        {earlier_hits > 0 && (
          <ServerTableRow
            name={<ServerName name="earlier instances" hue={undefined} />}
            hits={earlier_hits}
            share={shares.at(-1) ?? 0}
            bar={{ hue: undefined }}
            {...(token && { control: null })}
          />
        )}
        <ServerTableRow
          kind="sum"
          name="Total"
          hits={counter}
          share={shares.reduce(add, 0)}
          rate={current ? rates.map(rate => rate ?? 0).reduce(add, 0) : null}
          {...(token && { control: null })}
        />
      </TableBody>
    </Table>
  )
}

type NameOfProps = { server: ServerRow; hue: number | undefined; yours: boolean }

/** The name, and on a phone the control that shows the rest of the row. It works without a script: see the style. */
function NameOf({ server: { name, address }, hue, yours }: NameOfProps) {
  return (
    <>
      <ServerName name={name} hue={hue} whole />
      {yours && <YouBadge>yours</YouBadge>} <code className={styles.address}>{address}</code>
      <details className={styles.more}>
        <summary aria-label={`More about ${name}`}>
          <svg viewBox="0 0 12 12" aria-hidden="true">
            <path d="m2 4 4 4 4-4" />
          </svg>
        </summary>
      </details>
    </>
  )
}

type ServerTableRowProps = {
  name: ReactNode
  state?: ReactNode
  hits: number
  /** thousandths of all hits */
  share: number
  bar?: { hue: number | undefined; equal?: number }
  /** null = not known now */
  rate?: number | null
  /** the cells of ServerHealth */
  health?: ReactNode
  /** only with the token */
  control?: ReactNode
  kind?: 'sum' | 'yours'
}

/** A row of one server, of all instances no longer shown, or of the total. */
function ServerTableRow({ name, state, hits, share, bar, rate, health, control, kind }: ServerTableRowProps) {
  const formats = useFormats()
  const hitsText = formats.whole(hits)
  const shareText = formats.share(share)
  const rateText = typeof rate === 'number' ? formats.rate(rate) : '–'
  return (
    <Row kind={kind} className={styles.row}>
      <RowHeader>{name}</RowHeader>
      <Cell>{state}</Cell>
      {/* Aligned to the right: with another digit a text starts elsewhere, yet nothing moved. So it is a new one. */}
      <Cell key={`hits ${hitsText.length}`}>
        <span {...formats.mark('whole')}>{hitsText}</span>
        <span className={styles.unit}>{hits === 1 ? ' hit' : ' hits'}</span>
      </Cell>
      <Cell>
        <div className={styles.shared}>
          {bar && <ShareBar thousandths={share} {...bar} />}
          <span key={shareText.length} {...formats.mark('share')} className={styles.figure}>
            {shareText}
          </span>
        </div>
      </Cell>
      <Cell>
        {rate !== undefined && (
          <span key={rateText.length} {...formats.mark('rate')}>
            {rate === null ? rateText : padRate(rateText)}
          </span>
        )}
        {typeof rate === 'number' && <span className={styles.unit}>/s</span>}
      </Cell>
      {health ?? <NoServerHealth />}
      {control !== undefined && <Cell>{control}</Cell>}
    </Row>
  )
}
