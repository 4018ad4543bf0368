import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import colour from '../ui/hue.module.css'
import { hueAttributes } from '../ui/hue.ts'
import styles from './branches.module.css'
import { branchWidth } from './edge-width.ts'
import way from './way.module.css'

type Props = {
  /** from NGINX to the servers, or from them to the database */
  to: 'servers' | 'database'
  servers: ServerRow[]
  hues: Hues
}

/**
 * A line for each server, as wide as its traffic. The drawing is stretched over its place, so that it fits any window
 * without a script; the lines' widths are not. Dots follow the same curves: see flight-path.ts.
 */
export function Branches({ to, servers, hues }: Props) {
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const lines = servers.map(({ id, srv_id, rate, state }, place) => ({
    id,
    y: round(((place + 0.5) / servers.length) * 100),
    attributes: {
      className: `${colour.hue} ${styles.branch}`,
      ...hueAttributes(hues[srv_id]),
      'data-state': state,
      strokeWidth: round(branchWidth(rate, total)),
      vectorEffect: 'non-scaling-stroke',
    },
  }))
  const outgoing = to === 'servers'
  return (
    <svg
      className={styles.branches}
      data-part={outgoing ? 'branches' : undefined}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <g className={way.lying}>
        {lines.map(({ id, y, attributes }) => (
          <path
            key={id}
            d={outgoing ? `M0 50C50 50 50 ${y} 100 ${y}` : `M0 ${y}C50 ${y} 50 50 100 50`}
            {...attributes}
          />
        ))}
      </g>
      <g className={way.upright}>
        {lines.map(({ id, y, attributes }) => (
          <path
            key={id}
            d={outgoing ? `M50 0C50 ${y} 50 ${y} 100 ${y}` : `M0 ${y}C50 ${y} 50 ${y} 50 100`}
            {...attributes}
          />
        ))}
      </g>
    </svg>
  )
}

/** The HTML need not say more than can be seen. */
function round(value: number): number {
  return Math.round(value * 10) / 10
}
