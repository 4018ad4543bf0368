import type { HistoryEvent } from '../../answers.ts'
import { Moment } from '../figures/moment.tsx'
import { ServerName } from '../marks/server-name.tsx'
import type { Hues } from '../servers/hues.ts'
import styles from './event-list.module.css'

const words: Record<HistoryEvent['kind'], string> = {
  joined: 'joined at',
  lost: 'was lost at',
  left: 'left at',
}

/** As many as stay a glance; all are marked in the chart. */
const shown = 4

/** The marks in words, newest first. */
export function EventList({ events, hues }: { events: HistoryEvent[]; hues: Hues }) {
  if (events.length === 0) return <p className={styles.list}>No server joined or left in this time.</p>
  return (
    <ul className={styles.list} aria-label="Servers that joined or left">
      {events.slice(0, shown).map(({ kind, id, srv_id, name, at }) => (
        <li key={`${id} ${kind}`} data-kind={kind}>
          <ServerName name={name} hue={hues[srv_id]} />
          <span className={styles.when}>
            {words[kind]} <Moment iso={at} to="second" />
          </span>
        </li>
      ))}
      {events.length > shown && <li>and {events.length - shown} more before</li>}
    </ul>
  )
}
