import type { History } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'

/** The hits of a server over time; those of all servers that have no colour any more are one. */
export type Series = { key: string; name: string; hue: number | undefined; hits: number[] }

const earlier = { key: 'earlier', name: 'earlier servers', hue: undefined }

/** One for each colour, in the colours' order: an address's lives together, under the name of its last one. */
export function seriesOf({ times, servers }: History, hues: Hues): Series[] {
  const byKey = new Map<string, Series>()
  for (const { srv_id, name, hits } of servers) {
    const hue = hues[srv_id]
    const head = hue === undefined ? earlier : { key: srv_id, name, hue }
    const before = byKey.get(head.key)?.hits
    byKey.set(head.key, { ...head, hits: times.map((_, at) => (before?.[at] ?? 0) + (hits[at] ?? 0)) })
  }
  return [...byKey.values()].sort((a, b) => (a.hue ?? Number.MAX_VALUE) - (b.hue ?? Number.MAX_VALUE))
}

/** The highest bar; 0 of none. */
export function mostOf(hits: number[]): number {
  return Math.max(0, ...hits)
}

/** All series' hits, time by time. */
export function totalsOf(series: Series[], length: number): number[] {
  return Array.from({ length }, (_, at) => series.reduce((sum, { hits }) => sum + (hits[at] ?? 0), 0))
}
