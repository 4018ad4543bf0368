// The log, one visit a row: the newest as they come, filtered rows, or older pages. board/board.tsx renders the panel; the
// page's address holds the filter and the page. log-rows.ts turns the rows into what the page shows, log-table.tsx renders
// them.

import { type FormEvent, memo, type ReactNode, useState } from 'react'
import { isLogPage, type LogPage, type LogRow, type ServerRow, type Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { Answers, fetchAnswer, useAnswer } from '../live/answers.ts'
import type { Hues } from '../live/live-board.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import { useFormats } from '../ui/formats.ts'
import { Action, Panel } from '../ui/frame.tsx'
import { PhoneFold } from '../ui/later.tsx'
import { useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import styles from './log-panel.module.css'
import {
  firstRows,
  isUnfiltered,
  type LogFilter,
  logUrl,
  noFilter,
  olderThan,
  orderedRows,
  ownRow,
  pageRows,
  placeInLog,
  type ShownRow,
  walkLog,
} from './log-rows.ts'
import { LogTable, phoneRows } from './log-table.tsx'

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

const refreshMs = 2000
/** Calls for one older page. The newest page, which is read every 2 s, takes a single call. */
const olderPageCalls = 10

type Place = { filter: LogFilter; before: number | null }

const pages = new Answers(({ filter, before }: Place): Promise<LogPage> => {
  const fetchRows = (from: number | null) => fetchAnswer(isLogPage, logUrl('/api/log', filter, from))
  return walkLog(fetchRows, before, before === null ? 1 : olderPageCalls)
})

/**
 * The rows to show. Without a filter, the newest rows come with the live board. Filtered rows and older pages are fetched; the
 * page's address holds the place of an older page. `ownHit`: this visit's number.
 */
function useLog(newest: LogRow[], filter: LogFilter, ownHit: number | null) {
  const [frozen, setFrozen] = useState<LogRow[] | null>(null)
  const [place, goTo] = useUrlParameter('before')
  /** the places of the newer pages; empty in a shared address */
  const [newer, setNewer] = useState<string[]>([])
  const before = placeInLog(place)
  const isFetched = before !== null || !isUnfiltered(filter)
  const live = frozen === null && before === null
  const { data, error, loading } = useAnswer(pages, isFetched ? { filter, before } : null, {
    everyMs: live ? refreshMs : null,
  })
  // The board can be older than the visit. A live log catches up; a paused one would lack the rows between for ever.
  const isIncomplete = frozen !== null && ownHit !== null && ownHit > (frozen[0]?.id ?? 0)
  const { data: complete } = useAnswer(pages, isIncomplete ? { filter: noFilter, before: ownHit + 1 } : null)
  const boardRows = complete?.rows ?? frozen ?? newest
  // The rows shown stay until the answer comes, so that nothing moves.
  const fetched = data ?? { rows: error ? [] : boardRows, next: null }
  return {
    /** as in the address; empty = the newest */
    place,
    rows: isFetched ? fetched.rows : boardRows,
    isFetched,
    /** new rows come in by themselves */
    live,
    /** an older page is shown */
    older: before !== null,
    loading,
    error,
    /** of fetched rows: older ones are below this number; null = there are none */
    next: fetched.next,
    pause: () => setFrozen(newest),
    goLive: () => {
      setFrozen(null)
      restart()
    },
    showOlder: (from: number) => {
      setNewer([...newer, place])
      goTo(String(from))
    },
    showNewer: () => {
      setNewer(newer.slice(0, -1))
      goTo(newer.at(-1) ?? '')
    },
    restart,
  }

  /** Back to the newest page. */
  function restart(): void {
    setNewer([])
    goTo('')
  }
}

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
