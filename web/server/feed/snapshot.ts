import type { LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import type { BoardReading } from '../db/board.ts'
import type { BoardServer } from '../db/board-server.ts'
import { serverState } from '../db/server-state.ts'

/** Log rows in a snapshot. */
export const logLength = 50

/** `log`: the rows to show, newest first */
export function toSnapshot(reading: Omit<BoardReading, 'log' | 'afterAt'>, log: LogRow[]): Snapshot {
  const shown = reading.servers.reduce((sum, server) => sum + server.hits, 0)
  return {
    counter: reading.counter,
    at: reading.at,
    servers: reading.servers.map(server => toServerRow(server, reading.counter)),
    earlier_hits: reading.totalHits - shown,
    log,
  }
}

function toServerRow(server: BoardServer, counter: number): ServerRow {
  const state = serverState(server)
  const serving = state !== 'lost' && state !== 'stopped'
  return {
    id: server.id,
    srv_id: server.srvId,
    name: server.name,
    address: server.address,
    state,
    hits: server.hits,
    share: counter === 0 ? 0 : server.hits / counter,
    // Its last word on its rate is no longer true once it is gone.
    rate: serving ? server.rate : 0,
    started_at: server.startedAt,
    last_seen_at: server.lastSeenAt,
    p50_ms: server.p50Ms,
    p99_ms: server.p99Ms,
    errors: server.errors,
    error_codes: server.errorCodes,
    streams: serving ? server.streams : 0,
    memory_bytes: server.memoryBytes,
  }
}
