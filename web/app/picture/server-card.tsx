import type { LogRow, ServerRow } from '../../shared/api.ts'
import { StateBadge } from '../servers/server-health.tsx'
import badges from '../ui/badges.module.css'
import { hueAttributes, YouBadge } from '../ui/badges.tsx'
import { padRate, useFormats } from '../ui/formats.ts'
import styles from './server-card.module.css'

type Props = {
  server: ServerRow
  hue: number | undefined
  /** it answered this visit */
  yours: boolean
  /** numbers of its last hits, newest first */
  recentHits: number[]
  /** this visit's number, in digits */
  ownHit: string | undefined
  /** on one line where the window is wide enough */
  compact: boolean
}

/** One server in the picture. */
export function ServerCard({ server, hue, yours, recentHits, ownHit, compact }: Props) {
  const formats = useFormats()
  const { id, name, state, hits, rate } = server
  const attributes = hueAttributes(hue)
  return (
    <li className={styles.lane}>
      <div
        className={`${badges.hue} ${styles.card}`}
        data-server={id}
        data-state={state}
        data-yours={yours || undefined}
        data-compact={compact || undefined}
        {...attributes}
      >
        <svg className={styles.ring} data-part="ring" viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="10" cy="10" r="7" className={styles.circle} />
        </svg>
        <p className={styles.name}>
          <span className={styles.text}>{name}</span>
          {yours && <YouBadge>you</YouBadge>}
        </p>
        <p className={styles.hits}>{formats.whole(hits)}</p>
        <p className={styles.state}>
          <StateBadge server={server} at={server.last_seen_at} brief />
        </p>
        <p className={styles.rate}>{`${padRate(formats.rate(rate))}/s`}</p>
        <p className={styles.recent} aria-hidden="true">
          {recentHits.map(hit => (
            <span key={hit} className={styles.mark} data-own={String(hit) === ownHit || undefined} />
          ))}
        </p>
      </div>
    </li>
  )
}

const recentCount = 12

/** The hits of one server among the last twelve of all servers. They show as marks where nothing may move. */
export function recentHitsOf(srvId: string, log: LogRow[]): number[] {
  return log
    .slice(0, recentCount)
    .filter(({ srv_id }) => srv_id === srvId)
    .map(({ id }) => id)
}
