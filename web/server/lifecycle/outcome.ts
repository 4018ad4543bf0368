import type { BoardServer } from '../db/board-server.ts'
import { serverState } from '../db/server-state.ts'
import type { DrainRequest } from './request.ts'

/** What has come of it, as one sentence. */
export function outcomeText({ change, name }: DrainRequest, servers: BoardServer[]): string {
  if (change === 'undrain') return `${name} takes new visitors again`
  const open = servers.filter(server => serverState(server) === 'up').map(server => server.name)
  return open.length > 0
    ? `${name} drains: its visitors stay, new ones go to ${open.join(', ')}`
    : `${name} drains, and so does every other server: new visitors are served all the same`
}

/** When there was nothing to do. */
export function alreadyText({ change, name }: DrainRequest): string {
  return change === 'drain' ? `${name} drains already` : `${name} does not drain: nothing to undo`
}
