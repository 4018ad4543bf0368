import type { ServerRow } from '../../shared/api.ts'
import type { Tally } from './visit-tally.ts'

/** The servers that can be met or were: those shown that have not left, then whoever else answered. */
export function runRows(
  servers: Pick<ServerRow, 'srv_id' | 'name' | 'state'>[],
  tallies: (Tally | null)[],
): { srv_id: string; name: string }[] {
  const names = new Map<string, string>()
  for (const { srv_id, name, state } of servers) {
    if (state !== 'stopped' && state !== 'lost') names.set(srv_id, name)
  }
  for (const tally of tallies) {
    for (const [srvId, { name }] of Object.entries(tally?.servers ?? {})) {
      if (!names.has(srvId)) names.set(srvId, name)
    }
  }
  return [...names].map(([srv_id, name]) => ({ srv_id, name }))
}
