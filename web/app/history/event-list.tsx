import { Moment } from '../figures/moment.tsx'
import { ServerName } from '../marks/server-name.tsx'
import type { Hues } from '../servers/hues.ts'
import styles from './event-list.module.css'
import type { ServerEvent } from './events.ts'

const words: Record<ServerEvent['kind'], string> = {
  joined: 'joined at',
  lost: 'is lost since',
  left: 'left at',
  silent: 'went away some time after',
}

/** As many as stay a glance; all are marked in the chart. */
const shown = 4

/** The marks in words, newest first. */
export function EventList({ events, hues }: { events: ServerEvent[]; hues: Hues }) {
  if (events.length === 0) return <p className={styles.list}>No server joined or left in this time.</p>
  return (
    <ul className={styles.list} aria-label="Servers that joined or left">
      {events.slice(0, shown).map(({ kind, id, srv_id, name, at }) => (
        <li key={`${id} ${kind}`} data-kind={kind}>
          <ServerName name={name} hue={hues[srv_id]} /> {words[kind]} <Moment iso={at} to="second" />
        </li>
      ))}
      {events.length > shown && <li>and {events.length - shown} more before</li>}
    </ul>
  )
}
