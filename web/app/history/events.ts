import type { History, ServerRow } from '../../answers.ts'

/** joined, lost, left: at the time the server's own row says. silent: its last hits came in that stretch, no more is known. */
export type ServerEvent = {
  kind: 'joined' | 'lost' | 'left' | 'silent'
  /** life of the server */
  id: number
  srv_id: string
  name: string
  at: string
}

type Known = Pick<ServerRow, 'id' | 'srv_id' | 'name' | 'state' | 'started_at' | 'last_seen_at'>

/** What is known of servers coming and going within the history's times, newest first. */
export function serverEvents(history: History, servers: Known[]): ServerEvent[] {
  const events = [...servers.flatMap(ofShown), ...ofForgotten(history, servers)]
  const start = Date.parse(history.times[0] ?? '')
  return events
    .filter(({ at }) => Date.parse(at) >= start)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
}

function ofShown({ id, srv_id, name, state, started_at, last_seen_at }: Known): ServerEvent[] {
  const joined: ServerEvent = { kind: 'joined', id, srv_id, name, at: started_at }
  if (state === 'lost') return [joined, { ...joined, kind: 'lost', at: last_seen_at }]
  if (state === 'stopped') return [joined, { ...joined, kind: 'left', at: last_seen_at }]
  return state === 'joining' ? [] : [joined]
}

/** Lives whose row is no longer shown: only their hits tell of them. */
function ofForgotten({ times, servers: lives }: History, servers: Known[]): ServerEvent[] {
  return lives
    .filter(({ id }) => !servers.some(server => server.id === id))
    .map(({ id, srv_id, name, hits }) => ({
      kind: 'silent',
      id,
      srv_id,
      name,
      at: times[hits.findLastIndex(count => count > 0)] ?? '',
    }))
}

/** Where in the history a time stands, 0 to 1. */
export function placeOf(at: string, { times, step }: History): number {
  const start = Date.parse(times[0] ?? at)
  return Math.min(1, (Date.parse(at) - start) / (times.length * step * 1000))
}
