import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'

/** The page's figures with its own visit in them, which is counted after they are read: so its dot flies once. */
export function withOwnHit({ snapshot, visit, server }: PageView): Snapshot {
  if (!visit || Number(visit.hit) <= snapshot.counter) return snapshot
  const servers = snapshot.servers.map(row => (row.id === server.id ? { ...row, hits: row.hits + 1 } : row))
  return { ...snapshot, counter: snapshot.counter + 1, servers }
}
