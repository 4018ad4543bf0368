import type { ServerRow } from '../../shared/api.ts'

/** Each server's place in the set of colours, by srv_id: an address keeps its colour over its lives. */
export type Hues = Record<string, number>

/** Gives colours in the order of the rows, which is that of the names; who has one keeps it while the page is open. */
export function giveHues(known: Hues, servers: ServerRow[]): Hues {
  const strangers = servers.filter(({ srv_id }) => !(srv_id in known))
  if (strangers.length === 0) return known
  const hues = { ...known }
  for (const { srv_id } of strangers) {
    hues[srv_id] ??= Object.keys(hues).length
  }
  return hues
}
