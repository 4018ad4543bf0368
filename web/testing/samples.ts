// What the code passes around, for tests: whole, so that a test names only the fields it is about, and a new field is added here;
// and a store of hits in memory.

import type { BoardServer, Health } from '../server/db/server-state.ts'
import { CommitFailed, type Count, type Hit, type HitStore, newRequestId } from '../server/hits/hit.ts'
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

/** Where an attempt fails: before the write, after the commit but before its answer, without any answer, or in `find`. */
export type Fault = 'before' | 'after' | 'unclear' | 'find'

/**
 * A store that keeps its log in memory and fails as `faults` says, one fault per attempt.
 * `unclear`: nothing was written, but no answer came either.
 */
export class FakeHitStore implements HitStore {
  readonly log = new Map<string, Count & { hit: Hit }>()
  readonly batches: number[] = []
  faults: Fault[] = []
  /** commits wait for this promise */
  gate: Promise<void> = Promise.resolve()
  /** batches that wait at the gate now */
  waitingAtGate = 0

  async commit(hits: Hit[]): Promise<Count[]> {
    this.waitingAtGate++
    await this.gate
    this.waitingAtGate--
    const fault = this.faults[0] === 'find' ? undefined : this.faults.shift()
    if (fault === 'before') throw new CommitFailed('rolled_back', 'away', 'before')
    if (fault === 'unclear') throw new CommitFailed('unknown', 'away', 'unclear')
    if (hits.some(hit => this.log.has(hit.requestId)))
      throw new CommitFailed('rolled_back', 'repeat', 'ER_DUP_ENTRY')
    this.batches.push(hits.length)
    const counts = hits.map(hit => this.#write(hit))
    if (fault === 'after') throw new CommitFailed('unknown', 'away', 'after')
    return counts
  }

  async find(requestIds: string[]): Promise<Map<string, Count>> {
    if (this.faults[0] === 'find') {
      this.faults.shift()
      throw new CommitFailed('rolled_back', 'away', 'find')
    }
    return new Map(
      requestIds.flatMap(id => {
        const count = this.log.get(id)
        return count ? [[id, { id: count.id, at: count.at }] as const] : []
      }),
    )
  }

  #write(hit: Hit): Count {
    const count = { id: this.log.size + 1, at: '2026-11-22T12:00:00.000Z' }
    this.log.set(hit.requestId, { ...count, hit })
    return count
  }
}
