// What the code passes around, for tests: whole, so that a test names only the fields it is about, and a new field is added here.

import type { BoardServer, Health } from '../server/db/server-state.ts'
import { type Hit, newRequestId } from '../server/hits/hit.ts'
import type { LogRow, ServerRow } from '../shared/api.ts'

const at = '2026-11-22T12:00:00.000Z'

/** A hit of a new visitor, with a request id that no other has. */
export function sampleHit(fields: Partial<Hit> = {}): Hit {
  return { requestId: newRequestId(), clientIp: '10.0.0.7', cookieSrvId: null, ...fields }
}

/** A new visitor's row. */
export function sampleLogRow(fields: Partial<LogRow> = {}): LogRow {
  return {
    id: 1,
    at,
    client_ip: '10.0.0.7',
    srv_id: 'a'.repeat(32),
    server: 'web-1',
    arrival: 'new',
    moved_from: null,
    ...fields,
  }
}

/** A server that is up and has counted nothing. */
export function sampleServerRow(fields: Partial<ServerRow> = {}): ServerRow {
  return {
    id: 1,
    srv_id: 'a'.repeat(32),
    name: 'web-1',
    address: '127.0.0.1:3001',
    state: 'up',
    hits: 0,
    new_hits: 0,
    returning_hits: 0,
    moved_hits: 0,
    commits: 0,
    share: 0,
    rate: 0,
    started_at: at,
    restarted_at: null,
    restart: null,
    last_seen_at: at,
    p50_ms: null,
    p99_ms: null,
    errors: 0,
    error_codes: {},
    streams: 0,
    memory_bytes: 0,
    ...fields,
  }
}

/** A server that can serve and has counted nothing. */
export function sampleHealth(fields: Partial<Health> = {}): Health {
  return {
    ready: true,
    draining: false,
    rate: 0,
    p50Ms: null,
    p99Ms: null,
    errors: 0,
    errorCodes: {},
    streams: 0,
    memoryBytes: 0,
    ...fields,
  }
}

const totals = { hits: 0, newHits: 0, returningHits: 0, movedHits: 0, commits: 0 }

/** The same as the database has it. */
export function sampleBoardServer(fields: Partial<BoardServer> = {}): BoardServer {
  return {
    id: 1,
    srvId: 'a'.repeat(32),
    name: 'web-1',
    address: '127.0.0.1:3001',
    own: totals,
    carried: totals,
    earlierEnded: null,
    startedAt: at,
    lastSeenAt: at,
    silentMs: 100,
    stopped: false,
    ...sampleHealth(),
    ...fields,
  }
}
