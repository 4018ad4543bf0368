// The picture shows how hits flow: from the visitors through NGINX to a server, and into the database. board/board.tsx
// renders it. `Picture` draws the boxes and lines as HTML and SVG, which need no script. `useDots` (dot-canvas.ts) turns
// new hits into dots (dots.ts) and sends them to canvas-worker.ts, which draws them (animation.ts) along the same lines
// (geometry.ts).

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

export function Picture({ view, snapshot, hues }: Props) {
  const formats = useFormats()
  const area = useRef<HTMLDivElement>(null)
  const layer = useRef<HTMLDivElement>(null)
  const visitsPerDot = useDots({ area, layer }, view, snapshot)
  const { servers, counter, log } = useSettled(snapshot, travelMs)
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const density = serverDensity(servers.length)
  return (
    <figure className={styles.picture} aria-label="How visits flow">
      <div ref={area} className={styles.area} data-density={density}>
        <div className={styles.visitors} data-part="visitors">
          <p className={styles.name}>Visitors</p>
          <p className={styles.figure}>{`${formats.rate(total)} hits/s`}</p>
        </div>
        <div className={styles.trunk}>
          <Trunk rate={total} />
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
              recentHits={recentHitsOf(server.srv_id, log)}
              ownHit={view.visit?.hit}
              compact={density !== 'few'}
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
        <div ref={layer} className={styles.layer} aria-hidden="true" />
      </div>
      <figcaption className={styles.caption}>
        <span className={ui.visuallyHidden}>
          Visits come from the visitors through NGINX to one of the servers, which counts them in the
          database. The table of servers below has the same figures.
        </span>
        <span className={styles.dotKey}>
          {visitsPerDot === 1 ? '1 dot = 1 visit' : `1 dot = ${formats.whole(visitsPerDot)} visits`}
        </span>
        <span className={styles.marksKey}>Marks: the last 12 visits</span>
      </figcaption>
    </figure>
  )
}

/** The line from the visitors to NGINX; its width shows all traffic (hits/s). */
function Trunk({ rate }: { rate: number }) {
  const attributes = { className: styles.trunkLine, strokeWidth: round(trunkWidth(rate)) }
  return (
    <svg className={styles.trunkDrawing} aria-hidden="true">
      <g className={styles.horizontal}>
        <line x1="0" y1="50%" x2="100%" y2="50%" {...attributes} />
      </g>
      <g className={styles.vertical}>
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
 * A line for each server; its width shows the server's traffic. The browser stretches the drawing over its place, so it fits
 * any window without a script, but does not stretch the lines' widths. Dots follow the same curves: see geometry.ts.
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
      <g className={styles.horizontal}>
        {lines.map(({ id, y, attributes }) => (
          <path
            key={id}
            d={outgoing ? `M0 50C50 50 50 ${y} 100 ${y}` : `M0 ${y}C50 ${y} 50 50 100 50`}
            {...attributes}
          />
        ))}
      </g>
      <g className={styles.vertical}>
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

/** To one decimal, to keep the HTML short: more is not visible. */
function round(value: number): number {
  return Math.round(value * 10) / 10
}

/**
 * The value as of `ms` ago: figures change when their dots land, not when they leave. The next value also settles the one
 * before it, so the page renders once for both.
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
