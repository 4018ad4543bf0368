import type { Snapshot } from '../../shared/api.ts'

/** Hits that came in, by server (its life's id). */
export type NewHits = Map<number, number>

/** Figures further apart than this are not one moment's news: a tab that was hidden, a connection that was lost. */
const longestGapMs = 5_000

/** What came in between two looks at the board; empty when they are too far apart to show as movement. */
export function newHits(before: Snapshot, after: Snapshot): NewHits {
  const hits: NewHits = new Map()
  if (Date.parse(after.at) - Date.parse(before.at) > longestGapMs) return hits
  const known = new Map(before.servers.map(server => [server.id, server.hits]))
  for (const { id, hits: now } of after.servers) {
    const more = now - (known.get(id) ?? 0)
    if (more > 0) hits.set(id, more)
  }
  return hits
}
