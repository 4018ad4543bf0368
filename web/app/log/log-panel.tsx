// The log, one visit a row: the newest as they come, filtered rows, or older pages. board/board.tsx renders the panel; the
// page's address holds the filter and the page. use-log.ts reads the rows, log-rows.ts turns them into what the page
// shows, log-table.tsx renders them.

import { type FormEvent, memo, type ReactNode, useState } from 'react'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import type { Hues } from '../live/live-board.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import { useFormats } from '../ui/formats.ts'
import { Action, Panel } from '../ui/frame.tsx'
import { useHydrated } from '../ui/page-lifecycle.ts'
import { PhoneFold } from '../ui/phone-fold.tsx'
import ui from '../ui/ui.module.css'
import styles from './log-panel.module.css'
import {
  firstRows,
  isUnfiltered,
  type LogFilter,
  logUrl,
  olderThan,
  orderedRows,
  ownRow,
  pageRows,
  type ShownRow,
} from './log-rows.ts'
import { LogTable, phoneRows } from './log-table.tsx'
import { useLog } from './use-log.ts'

type Props = { view: PageView; snapshot: Snapshot; hues: Hues }

export const LogPanel = memo(function LogPanel({ view, snapshot, hues }: Props) {
  const { log: newest, at, counter, servers } = snapshot
  const hydrated = useHydrated()
  const [srv_id, setServer] = useUrlParameter('srv_id')
  const [client_ip, setAddress] = useUrlParameter('client_ip')
  const formats = useFormats()
  const [opened, setOpened] = useState<string | null>(null)
  const [all, setAll] = useState(false)
  const filter = { srv_id, client_ip }
  const own = ownRow(view)
  const log = useLog(newest, filter, own && hydrated ? Number(own.id) : null)
  const arrange = !hydrated ? firstRows : log.isFetched ? pageRows : orderedRows
  const rows = arrange(own, log.rows, at)

  function setFilter(next: Partial<LogFilter>): void {
    if (next.srv_id !== undefined) setServer(next.srv_id)
    if (next.client_ip !== undefined) setAddress(next.client_ip)
    log.restart()
  }

  /** Pauses the log, so that the open row stays where it is. */
  function open(id: string): void {
    if (log.live) log.pause()
    setOpened(id === opened ? null : id)
  }

  return (
    <Panel title="Latest visits" note={<LogNote log={log} rows={rows} counter={counter} />}>
      <LogControls filter={filter} servers={servers} log={log} onFilter={setFilter} />
      {/* The key moves the Tab stop to the first row, in case its row is folded away. */}
      <LogTable
        key={String(all)}
        rows={rows}
        day={at.slice(0, 10)}
        all={all || log.older}
        hues={hues}
        servers={servers}
        opened={opened}
        onOpen={open}
        onFilter={setFilter}
        busy={log.loading}
      />
      <LogPaging log={log} next={log.isFetched ? log.next : olderThan(rows)} empty={rows.length === 0}>
        {!log.older && rows.length > phoneRows && (
          <button
            type="button"
            className={`${ui.smallButton} ${styles.showAll}`}
            aria-expanded={all}
            onClick={() => setAll(!all)}
          >
            {all ? `Show ${phoneRows}` : `Show ${formats.whole(rows.length)}`}
          </button>
        )}
      </LogPaging>
    </Panel>
  )
})

type LogNoteProps = { log: ReturnType<typeof useLog>; rows: ShownRow[]; counter: number }

/** Says which rows are shown. */
function LogNote({ log, rows, counter }: LogNoteProps) {
  const { whole } = useFormats()
  const newest = Number(rows[0]?.id ?? 0)
  const oldest = Number(rows.at(-1)?.id ?? 0)
  if (log.older) return <span>{rows.length > 0 ? `Numbers ${whole(newest)} to ${whole(oldest)}` : ''}</span>
  if (!log.live)
    return <span>{`Paused at ${whole(newest)}, ${whole(Math.max(0, counter - newest))} behind`}</span>
  return <span>{log.isFetched ? 'Newest that match' : 'Newest 50'}</span>
}

type LogControlsProps = {
  filter: LogFilter
  servers: ServerRow[]
  log: ReturnType<typeof useLog>
  onFilter(filter: Partial<LogFilter>): void
}

/** The filter, the pause button, and a link to the same rows as a file. */
function LogControls({ filter, servers, log, onFilter }: LogControlsProps) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const address = new FormData(event.currentTarget).get('client_ip')
    onFilter({ client_ip: typeof address === 'string' ? address.trim() : '' })
  }
  const isKnown = servers.some(({ srv_id }) => srv_id === filter.srv_id)
  return (
    <div className={styles.controls}>
      <PhoneFold label={isUnfiltered(filter) ? 'Filter' : 'Filter (on)'}>
        <form className={styles.filter} onSubmit={submit}>
          <label className={`${ui.fieldLabel} ${styles.label}`}>
            Server
            <select
              className={`${ui.field} ${styles.input}`}
              name="srv_id"
              value={filter.srv_id}
              onChange={event => onFilter({ srv_id: event.target.value })}
            >
              <option value="">all</option>
              {servers.map(({ id, srv_id, name }) => (
                <option key={id} value={srv_id}>
                  {name}
                </option>
              ))}
              {filter.srv_id !== '' && !isKnown && <option value={filter.srv_id}>{filter.srv_id}</option>}
            </select>
          </label>
          <label className={`${ui.fieldLabel} ${styles.label}`}>
            Address
            <input
              key={filter.client_ip}
              className={`${ui.field} ${styles.input} ${styles.address}`}
              name="client_ip"
              defaultValue={filter.client_ip}
              placeholder="any"
              autoComplete="off"
              spellCheck={false}
            />
          </label>
          <button type="submit" className={ui.smallButton}>
            Apply
          </button>
          <Action
            className={ui.smallButton}
            disabled={isUnfiltered(filter)}
            onPress={() => onFilter({ srv_id: '', client_ip: '' })}
          >
            Show all
          </Action>
        </form>
      </PhoneFold>
      <div className={styles.actions}>
        <button
          type="button"
          className={`${ui.smallButton} ${styles.pause}`}
          onClick={log.live ? log.pause : log.goLive}
        >
          {log.live ? 'Pause' : 'Back to live'}
        </button>
        <a className={ui.smallButton} href={logUrl('/api/log.csv', filter)} download>
          CSV
        </a>
      </div>
      {log.error && (
        <p role="alert" className={styles.error}>
          {log.error.message}
        </p>
      )}
    </div>
  )
}

type LogPagingProps = {
  log: ReturnType<typeof useLog>
  /** older rows are below this number; null = there are none */
  next: number | null
  empty: boolean
  /** a button before the others */
  children: ReactNode
}

function LogPaging({ log, next, empty, children }: LogPagingProps) {
  const { older, loading, error } = log
  return (
    <div className={styles.paging}>
      {empty && <p className={styles.empty}>{emptyText(loading, error !== undefined, next !== null)}</p>}
      {children}
      <Action className={ui.smallButton} disabled={!older || loading} onPress={log.showNewer}>
        Newer
      </Action>
      <Action
        className={ui.smallButton}
        disabled={next === null || loading}
        onPress={() => next !== null && log.showOlder(next)}
      >
        {empty && next !== null && !loading ? 'Search older' : 'Older'}
      </Action>
    </div>
  )
}

function emptyText(loading: boolean, failed: boolean, more: boolean): string {
  if (loading) return 'Loading the log.'
  if (failed) return 'Nothing to show.'
  return more ? 'No match in the newest visits.' : 'No visits.'
}
