// The picture shows how hits flow, and why: from returning and new visitors, by NGINX's two rules, to a server, and in commits
// into the database. board/board.tsx renders it. `Picture` draws boxes (boxes.tsx), cards (server-card.tsx) and lines as HTML
// and SVG, which need no script. Its figures are those of the snapshot, and differences between snapshots (flow.ts).
// `useDots` (dot-canvas.ts) decides what starts for new hits (dots.ts) and on which way (geometry.ts), and sends it to
// canvas-worker.ts, which draws it (animation.ts).

import { useRef, useState } from 'react'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { shownRate, shownState } from '../../shared/shown-state.ts'
import type { Hues } from '../live/live-board.ts'
import { serverDensity } from '../servers/server-rows.ts'
import { hueAttributes } from '../ui/badges.tsx'
import { DatabaseBox, Legend, NginxBox, VisitorBoxes } from './boxes.tsx'
import { useDots } from './dot-canvas.ts'
import { type Flow, startFlow, visitorRates, withNext } from './flow.ts'
import { branchWidth } from './geometry.ts'
import styles from './picture.module.css'
import { ServerCards } from './server-card.tsx'

type Props = {
  view: PageView
  snapshot: Snapshot
  hues: Hues
  /** the figures are as of now; else the picture shows no rates */
  current: boolean
  databaseAway: boolean
}

export function Picture({ view, snapshot, hues, current, databaseAway }: Props) {
  const area = useRef<HTMLDivElement>(null)
  const layer = useRef<HTMLDivElement>(null)
  const flow = useFlow(snapshot)
  const sizes = useDots({ area, layer }, view, flow)
  const { servers, counter, log } = snapshot
  const visitors = current ? visitorRates(flow) : null
  const rates = servers.map(server => shownRate(server, snapshot.at, current) ?? 0)
  return (
    <figure className={styles.picture} aria-label="How visits flow">
      <div ref={area} className={styles.area} data-density={serverDensity(servers.length)}>
        <VisitorBoxes rates={visitors} />
        <div className={styles.trunk}>
          <Trunk rates={visitors ?? { cookie: 0, none: 0 }} />
        </div>
        <NginxBox flow={flow} current={current} />
        <div className={styles.out} data-part="out">
          <Branches to="servers" servers={servers} rates={rates} hues={hues} at={snapshot.at} />
        </div>
        <ServerCards flow={flow} rates={rates} hues={hues} current={current} view={view} />
        <div className={styles.in} data-part="in">
          <Branches to="database" servers={servers} rates={rates} hues={hues} at={snapshot.at} />
        </div>
        <DatabaseBox counter={counter} log={log} hues={hues} away={databaseAway} />
        <div ref={layer} className={styles.layer} aria-hidden="true" />
      </div>
      <Legend sizes={sizes} />
    </figure>
  )
}

/** In the same render as the snapshot, so that all figures of the page belong to one snapshot. */
function useFlow(snapshot: Snapshot): Flow {
  const [flow, setFlow] = useState(() => startFlow(snapshot))
  if (flow.snapshot === snapshot) return flow
  const next = withNext(flow, snapshot)
  setFlow(next)
  return next
}

/** The lines from both kinds of visitors to NGINX's rule for them; their widths show the traffic (hits/s). */
function Trunk({ rates }: { rates: { cookie: number; none: number } }) {
  const line = (rate: number) => ({
    strokeWidth: round(branchWidth(rate, rates.cookie + rates.none)),
  })
  return (
    <svg className={styles.trunkDrawing} aria-hidden="true">
      <g className={styles.horizontal}>
        <g className={styles.upper}>
          <line x1="0" y1="50%" x2="100%" y2="50%" {...line(rates.cookie)} />
        </g>
        <g className={styles.lower}>
          <line x1="0" y1="50%" x2="100%" y2="50%" {...line(rates.none)} />
        </g>
      </g>
      <g className={styles.vertical}>
        <line x1="25%" y1="0" x2="25%" y2="100%" {...line(rates.cookie)} />
        <line x1="75%" y1="0" x2="75%" y2="100%" {...line(rates.none)} />
      </g>
    </svg>
  )
}

type BranchesProps = {
  /** from NGINX to the servers, or from them to the database */
  to: 'servers' | 'database'
  servers: ServerRow[]
  /** hits/s of each */
  rates: number[]
  hues: Hues
  /** time of the snapshot */
  at: string
}

/**
 * A line for each server; its width shows the server's traffic. The browser stretches the drawing over its place, so it fits
 * any window without a script, but does not stretch the lines' widths. Dots follow the same curves: see geometry.ts.
 */
function Branches({ to, servers, rates, hues, at }: BranchesProps) {
  const total = rates.reduce((sum, rate) => sum + rate, 0)
  const lines = servers.map((server, place) => ({
    key: server.id,
    y: round(((place + 0.5) / servers.length) * 100),
    attributes: {
      ...hueAttributes(hues[server.srv_id]),
      'data-state': shownState(server, at),
      strokeWidth: round(branchWidth(rates[place] ?? 0, total)),
    },
  }))
  const outgoing = to === 'servers'
  return (
    <svg className={styles.branches} viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <g className={styles.horizontal}>
        {lines.map(({ key, y, attributes }) => (
          <path
            key={key}
            d={outgoing ? `M0 50C50 50 50 ${y} 100 ${y}` : `M0 ${y}C50 ${y} 50 50 100 50`}
            {...attributes}
          />
        ))}
      </g>
      <g className={styles.vertical}>
        {lines.map(({ key, y, attributes }) => (
          <path
            key={key}
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
