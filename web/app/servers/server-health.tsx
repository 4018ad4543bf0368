import { useId, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import { type ShownState, shownState, stateText } from '../../shared/shown-state.ts'
import { elapsed, utcTime } from '../../shared/times.ts'
import { Moment, type Shape, ShapeIcon } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import { Cell, ColumnHeader } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import { errorCodesText, isGone, latencyText, megabytes, uptimeMs } from './server-rows.ts'
import styles from './servers-panel.module.css'

/** Key and header of each column. */
const columns = [
  ['latency', 'p50 / p99 ms'],
  ['errors', 'Errors'],
  ['boards', 'Open boards'],
  ['uptime', 'Uptime'],
  ['memory', 'Memory'],
] as const

export function ServerHealthHeaders() {
  return columns.map(([place, title]) => <ColumnHeader key={place}>{title}</ColumnHeader>)
}

/** For a row that is not a single server. */
export function NoServerHealth() {
  return columns.map(([place]) => <Cell key={place} />)
}

type Props = { server: ServerRow; now: string }

/** What a server reports about itself: five cells, which on a phone are lines with their names. */
export function ServerHealth({ server, now }: Props) {
  const formats = useFormats()
  const { p50_ms, p99_ms, streams, memory_bytes } = server
  const uptime = elapsed(uptimeMs(server, now))
  // New for another number of digits: see ServerTableRow.
  const figure = (kind: 'whole' | 'rate', text: string) => (
    <span key={text.length} {...formats.mark(kind)}>
      {text}
    </span>
  )
  const values = {
    latency: figure('rate', latencyText(p50_ms, p99_ms, formats)),
    errors: <ErrorCount server={server} />,
    boards: figure('whole', formats.whole(streams)),
    uptime: <span key={uptime.length}>{uptime}</span>,
    memory: figure('whole', `${formats.whole(megabytes(memory_bytes))} MB`),
  }
  return columns.map(([place, title]) => (
    <Cell key={place}>
      <span aria-hidden="true">{title}</span>
      {values[place]}
    </Cell>
  ))
}

/** How many page views a server answered with an error. A press shows the numbers by code. */
function ErrorCount({ server: { name, errors, error_codes } }: { server: ServerRow }) {
  const id = useId()
  const hydrated = useHydrated()
  const [open, setOpen] = useState(false)
  const formats = useFormats()
  const count = formats.whole(errors)
  const word = errors === 1 ? ' error' : ' errors'
  const codes = errorCodesText(error_codes, formats)
  const shown = <span {...formats.mark('whole')}>{count}</span>
  if (!codes) return shown
  const label = `${count}${word} of ${name} by code`
  const text = `${name}: ${codes}`
  if (hydrated && !('popover' in HTMLElement.prototype)) {
    return (
      <>
        <button
          type="button"
          className={ui.opener}
          aria-expanded={open}
          aria-controls={id}
          aria-label={label}
          onClick={() => setOpen(!open)}
        >
          {shown}
        </button>
        <div id={id} hidden={!open} className={`${styles.codes} ${styles.beneath}`}>
          {text}
        </div>
      </>
    )
  }
  return (
    <>
      <button type="button" className={ui.opener} popoverTarget={id} aria-label={label}>
        {shown}
      </button>
      <div id={id} popover="auto" className={styles.codes}>
        {text}
      </div>
    </>
  )
}

const shapes: Record<ShownState, Shape> = {
  up: 'full',
  joining: 'dotted',
  draining: 'half',
  silent: 'target',
  lost: 'cross',
  stopped: 'empty',
}

type ServerOfState = Pick<ServerRow, 'state' | 'last_seen_at' | 'restarted_at'>

type StateBadgeProps = {
  server: ServerOfState
  /** the snapshot's time: how long a server is silent */
  at: string
  /** false while nothing is known of this moment: then the state is that of the snapshot's time */
  current: boolean
  /** without the times, where there is no room for them */
  brief?: boolean
}

/** A server's state as a shape and a word; since when it is gone, or when it was restarted or last known. */
export function StateBadge({ server, at, current, brief = false }: StateBadgeProps) {
  const time = timeOfState(server, at, current)
  return (
    <span className={styles.stateBadge} data-state={shownState(server, at)} data-past={!current || undefined}>
      <ShapeIcon shape={shapes[shownState(server, at)]} />
      <span>
        <span>{stateText(server, at, current)}</span>
        {!brief && time && (
          <span key={time.word}>
            {' '}
            <span className={styles.since}>
              {time.word} <Moment iso={time.iso} plain={utcTime(time.iso, at)} to="second" />
            </span>
          </span>
        )}
      </span>
    </span>
  )
}

function timeOfState({ state, last_seen_at, restarted_at }: ServerOfState, at: string, current: boolean) {
  if (!current) return { word: 'as of', iso: at }
  if (isGone(state)) return { word: 'since', iso: last_seen_at }
  return restarted_at === null ? null : { word: 'restarted', iso: restarted_at }
}
