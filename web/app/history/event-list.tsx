import type { History, HistoryDown, HistoryEvent } from '../../shared/api.ts'
import { elapsed } from '../../shared/durations.ts'
import type { Hues } from '../live/hues.ts'
import { Moment } from '../ui/moment.tsx'
import { ServerName } from '../ui/server-name.tsx'
import styles from './event-list.module.css'

const words: Record<HistoryEvent['kind'], string> = {
  joined: 'joined at',
  lost: 'was lost at',
  left: 'left at',
}

/** As many as stay a glance, those who were down first; all events are marked in the chart. */
const shown = 4
const shownDowns = 2

type Props = { history: Pick<History, 'events' | 'downs'>; hues: Hues; stale: boolean }

/** Who was down for how long; then the marks in words, newest first. */
export function EventList({ history: { events, downs }, hues, stale }: Props) {
  if (events.length === 0 && !stale)
    return <p className={styles.list}>No server joined or left in this time.</p>
  const shownEvents = shown - Math.min(shownDowns, downs.length) - Number(stale)
  return (
    <ul className={styles.list} aria-label="Servers that joined, left or were down">
      {stale && <li className={styles.stale}>Not read anew just now: this is how it was.</li>}
      {downs.slice(0, shownDowns).map(down => (
        <li key={down.srv_id}>
          <ServerName name={down.name} hue={hues[down.srv_id]} />
          <span className={styles.when}>{downText(down)}</span>
        </li>
      ))}
      {events.slice(0, shownEvents).map(({ kind, id, srv_id, name, at }) => (
        <li key={`${id} ${kind}`} data-kind={kind}>
          <ServerName name={name} hue={hues[srv_id]} />
          <span className={styles.when}>
            {words[kind]} <Moment iso={at} to="second" />
          </span>
        </li>
      ))}
      {events.length > shownEvents && <li>{`and ${events.length - shownEvents} more before`}</li>}
    </ul>
  )
}

function downText({ times, ms }: HistoryDown): string {
  return times === 1 ? `down once, ${elapsed(ms)}` : `down ${times} times, ${elapsed(ms)} in all`
}
