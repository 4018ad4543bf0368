import type { ServerState } from '../../shared/api.ts'
import type { BoardServer } from '../db/board-server.ts'
import { serverState } from '../db/server-state.ts'
import { DrainRefused } from '../refused.ts'

/** The server of that name, in a state to be asked. @throws DrainRefused saying why there is none */
export function findServer(servers: BoardServer[], name: string): BoardServer {
  const candidates = servers.filter(server => server.name === name)
  // A name is free again once its server has gone: so several may have had it lately, and one has it.
  const found = candidates.find(canBeAsked) ?? candidates.at(-1)
  if (!found) throw new DrainRefused(`there is no server ${name}${others(servers)}`)
  if (!canBeAsked(found)) throw new DrainRefused(`${name} ${whyNot(found)}`)
  return found
}

function canBeAsked(server: BoardServer): boolean {
  const askable: ServerState[] = ['up', 'draining']
  return askable.includes(serverState(server))
}

function whyNot(server: BoardServer): string {
  const state = serverState(server)
  if (state === 'stopped') return 'has stopped'
  if (state === 'joining') return 'is only starting: ask again once the board shows it as up'
  return `is lost: it was last heard of ${Math.round(server.silentMs / 1000)} s ago`
}

function others(servers: BoardServer[]): string {
  const names = servers.filter(canBeAsked).map(server => server.name)
  return names.length > 0 ? `, only ${names.join(', ')}` : ', nor any other'
}
