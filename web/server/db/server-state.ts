import type { ServerState } from '../../shared/api.ts'
import type { BoardServer } from './board-server.ts'
import { silence } from './liveness.ts'

type Signs = Pick<BoardServer, 'stopped' | 'silentMs' | 'draining' | 'ready'>

export function serverState(server: Signs): ServerState {
  if (server.stopped) return 'stopped'
  if (server.silentMs > silence.lost * 1000) return 'lost'
  if (server.draining) return 'draining'
  return server.ready ? 'up' : 'joining'
}
