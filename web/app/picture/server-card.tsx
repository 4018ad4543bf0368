import type { ServerRow } from '../../shared/api.ts'
import { State } from '../servers/state.tsx'
import colour from '../ui/hue.module.css'
import { hueAttributes } from '../ui/hue.ts'
import { padRate } from '../ui/pad-rate.ts'
import { useFormats } from '../ui/use-formats.ts'
import { YouMark } from '../ui/you-mark.tsx'
import styles from './server-card.module.css'

type Props = {
  server: ServerRow
  hue: number | undefined
  /** it answered this visit */
  yours: boolean
  /** numbers of its last hits, newest first */
  trail: number[]
  /** the number of this visit, digits */
  ownHit: string | undefined
  /** one line, where there is the width for it */
  compact: boolean
}

/** One server in the picture: its ring, name, state and hits. */
export function ServerCard({ server, hue, yours, trail, ownHit, compact }: Props) {
  const formats = useFormats()
  const { id, name, state, hits, rate } = server
  const attributes = hueAttributes(hue)
  return (
    <li className={styles.lane}>
      <div
        className={`${colour.hue} ${styles.card}`}
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
          {yours && <YouMark>you</YouMark>}
        </p>
        <p className={styles.hits}>{formats.whole(hits)}</p>
        <p className={styles.state}>
          <State server={server} />
        </p>
        <p className={styles.rate}>{`${padRate(formats.rate(rate))}/s`}</p>
        <p className={styles.trail} aria-hidden="true">
          {trail.map(hit => (
            <span key={hit} className={styles.mark} data-own={String(hit) === ownHit || undefined} />
          ))}
        </p>
      </div>
    </li>
  )
}
