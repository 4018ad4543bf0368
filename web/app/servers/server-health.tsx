import { useId, useState } from 'react'
import type { ServerRow, ServerState } from '../../shared/api.ts'
import { elapsed, utcTime } from '../../shared/times.ts'
import { Moment, type Shape, ShapeIcon } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import { Cell, ColumnHeader } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import { errorCodesText, isGone, latencyText, megabytes, uptimeMs } from './server-rows.ts'
import styles from './servers-panel.module.css'

/** Class and header of each column. */
const columns = [
  ['latency', 'p50 / p99 ms'],
  ['errors', 'Errors'],
  ['watching', 'Watching'],
  ['uptime', 'Uptime'],
  ['memory', 'Memory'],
] as const

export function ServerHealthHeaders() {
  return columns.map(([place, title]) => (
    <ColumnHeader key={place} className={`${styles.detail} ${styles[place]}`}>
      {title}
    </ColumnHeader>
  ))
}

/** For a row that is not a single server. */
export function NoServerHealth() {
  return columns.map(([place]) => <Cell key={place} className={`${styles.nothing} ${styles[place]}`} />)
}

type Props = { server: ServerRow; now: string }

/** What a server reports about itself: five cells, which on a phone are one line with units. */
export function ServerHealth({ server, now }: Props) {
  const formats = useFormats()
  const { p50_ms, p99_ms, streams, memory_bytes } = server
  return (
    <>
      <Cell className={`${styles.detail} ${styles.latency}`}>
        <span className={styles.unit}>p50 / p99 ms </span>
        <span>{latencyText(p50_ms, p99_ms, formats)}</span>
      </Cell>
      <Cell className={`${styles.detail} ${styles.errors}`}>
        <ErrorCount server={server} />
      </Cell>
      <Cell className={`${styles.detail} ${styles.watching}`}>
        <span>{formats.whole(streams)}</span>
        <span className={styles.unit}> watching</span>
      </Cell>
      <Cell className={`${styles.detail} ${styles.uptime}`}>
        <span className={styles.unit}>up </span>
        <span>{elapsed(uptimeMs(server, now))}</span>
      </Cell>
      <Cell
        className={`${styles.detail} ${styles.memory}`}
      >{`${formats.whole(megabytes(memory_bytes))} MB`}</Cell>
    </>
  )
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
  const shown = (
    <>
      <span>{count}</span>
      <span className={styles.unit}>{word}</span>
    </>
  )
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

const shapes: Record<ServerState, Shape> = {
  up: 'full',
  joining: 'dotted',
  draining: 'half',
  lost: 'cross',
  stopped: 'empty',
}

type StateBadgeProps = {
  server: Pick<ServerRow, 'state' | 'last_seen_at'>
  /** any time today, so that times of today omit the date; left out where there is no room for times */
  today?: string
}

/** A server's state as a shape and a word; with `today`, also since when it is gone. */
export function StateBadge({ server: { state, last_seen_at }, today }: StateBadgeProps) {
  return (
    <span className={styles.stateBadge} data-state={state}>
      <ShapeIcon shape={shapes[state]} />
      <span>
        <span>{state}</span>
        {today !== undefined && isGone(state) && (
          <span className={styles.since}>
            {'since '}
            <Moment iso={last_seen_at} plain={utcTime(last_seen_at, today)} to="second" />
          </span>
        )}
      </span>
    </span>
  )
}
