import { useEffect, useRef, useState } from 'react'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import type { Hues } from '../live/live-board.ts'
import { serverDensity } from '../servers/server-rows.ts'
import badges from '../ui/badges.module.css'
import { hueAttributes } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import ui from '../ui/ui.module.css'
import { useDots } from './dot-canvas.ts'
import { travelMs } from './dots.ts'
import { branchWidth, trunkWidth } from './geometry.ts'
import styles from './picture.module.css'
import { recentHitsOf, ServerCard } from './server-card.tsx'

type Props = { view: PageView; snapshot: Snapshot; hues: Hues }

/** How hits flow: from the visitors through NGINX to a server, and into the database. Each is a dot that travels there. */
export function Picture({ view, snapshot, hues }: Props) {
  const formats = useFormats()
  const stage = useRef<HTMLDivElement>(null)
  const sky = useRef<HTMLDivElement>(null)
  const worth = useDots({ stage, sky }, view, snapshot)
  const { servers, counter, log } = useSettled(snapshot, travelMs)
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const crowd = serverDensity(servers.length)
  const width = Math.round(trunkWidth(total) * 10) / 10
  return (
    <figure className={styles.picture} aria-label="How visits flow">
      <div ref={stage} className={styles.stage} data-crowd={crowd}>
        <div className={styles.visitors} data-part="visitors">
          <p className={styles.name}>Visitors</p>
          <p className={styles.figure}>{`${formats.rate(total)} hits/s`}</p>
        </div>
        <div className={styles.trunk}>
          <Trunk width={width} />
        </div>
        <div className={styles.nginx} data-part="nginx">
          <p className={styles.name}>NGINX</p>
          <p className={styles.figure}>picks a server</p>
        </div>
        <div className={styles.out}>
          <Branches to="servers" servers={servers} hues={hues} />
        </div>
        <ul className={styles.servers}>
          {servers.map(server => (
            <ServerCard
              key={server.id}
              server={server}
              hue={hues[server.srv_id]}
              yours={server.id === view.server.id}
              trail={recentHitsOf(server.srv_id, log)}
              ownHit={view.visit?.hit}
              compact={crowd !== 'few'}
            />
          ))}
        </ul>
        <div className={styles.in}>
          <Branches to="database" servers={servers} hues={hues} />
        </div>
        <div className={styles.database} data-part="database">
          <p className={styles.name}>Database</p>
          <p className={styles.figure}>{`${formats.whole(counter)} ${counter === 1 ? 'hit' : 'hits'}`}</p>
        </div>
        <div ref={sky} className={styles.sky} aria-hidden="true" />
      </div>
      <figcaption className={styles.caption}>
        <span className={ui.visuallyHidden}>
          Visits come from the visitors through NGINX to one of the servers, which counts them in the
          database. The same figures stand in the table of servers below.
        </span>
        <span className={styles.key}>
          {worth === 1 ? '1 dot = 1 visit' : `1 dot = ${formats.whole(worth)} visits`}
        </span>
        <span className={styles.still}>Marks: the last 12 visits</span>
      </figcaption>
    </figure>
  )
}

/** The line between visitors and NGINX, as wide as all traffic together. */
function Trunk({ width }: { width: number }) {
  const attributes = { className: styles.trunkLine, strokeWidth: width }
  return (
    <svg className={styles.trunkDrawing} aria-hidden="true">
      <g className={styles.lying}>
        <line x1="0" y1="50%" x2="100%" y2="50%" {...attributes} />
      </g>
      <g className={styles.upright}>
        <line x1="20" y1="0" x2="20" y2="100%" {...attributes} />
      </g>
    </svg>
  )
}

type BranchesProps = {
  /** from NGINX to the servers, or from them to the database */
  to: 'servers' | 'database'
  servers: ServerRow[]
  hues: Hues
}

/**
 * A line for each server, as wide as its traffic. The drawing is stretched over its place, so that it fits any window
 * without a script; the lines' widths are not. Dots follow the same curves: see flight-path.ts.
 */
function Branches({ to, servers, hues }: BranchesProps) {
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const lines = servers.map(({ id, srv_id, rate, state }, place) => ({
    id,
    y: round(((place + 0.5) / servers.length) * 100),
    attributes: {
      className: `${badges.hue} ${styles.branch}`,
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
      <g className={styles.lying}>
        {lines.map(({ id, y, attributes }) => (
          <path
            key={id}
            d={outgoing ? `M0 50C50 50 50 ${y} 100 ${y}` : `M0 ${y}C50 ${y} 50 50 100 50`}
            {...attributes}
          />
        ))}
      </g>
      <g className={styles.upright}>
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

/**
 * What it was a while ago: figures tick when the dots have landed, not when they leave. The next value's coming counts
 * as that too, so that the page is drawn once for both.
 */
function useSettled<T>(value: T, ms: number): T {
  const [latest, setLatest] = useState(value)
  const [settled, setSettled] = useState(value)
  if (latest !== value) {
    setLatest(() => value)
    setSettled(() => latest)
  }
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
