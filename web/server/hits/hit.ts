import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Arrival } from '../../shared/api.ts'
import { AnswerError, codeOf } from '../errors.ts'
import { normaliseAddress } from '../http/client-address.ts'
import { readRequestId, readSrvIdCookie } from '../http/request.ts'

/** A page view on its way to its number. */
export type Hit = {
  /** 32 lowercase hex digits from NGINX. The same on every retry, so a second try is the same hit. */
  requestId: string
  /** normalised */
  clientIp: string
  /** the server that the visitor's cookie names; null if there is none or it is malformed */
  cookieSrvId: string | null
}

/** The page view as NGINX describes it. NGINX overwrites both headers, so clients cannot forge them. */
export function readHit(request: IncomingMessage): Hit {
  const realIp = String(request.headers['x-real-ip'] ?? request.socket.remoteAddress ?? '')
  return {
    requestId: readRequestId(request) ?? newRequestId(),
    clientIp: normaliseAddress(realIp) ?? '0.0.0.0',
    cookieSrvId: readSrvIdCookie(request.headers.cookie ?? ''),
  }
}

/** The number and the time that the commit gave a hit. */
export type Count = {
  /** the hit's number */
  id: number
  /** when it was counted, by the database's clock: ISO 8601, UTC, ms */
  at: string
}

/** What happened to a batch: its size, and its attempts to commit with the code of a failure. Shared by its page views. */
export type BatchRecord = {
  hits: number
  attempts: { endedAt: number; ms: number; failure: string | null }[]
}

/**
 * When the batch of a page view left, and when it had its number: ms on the clock of `performance.now()`. The queue sets
 * all of it.
 */
export type HitTimes = { leftAt: number; countedAt: number; batch: BatchRecord | null }

export function arrivalOf(cookieSrvId: string | null, srvId: string): Arrival {
  if (cookieSrvId === null) return 'new'
  return cookieSrvId === srvId ? 'returning' : 'moved'
}

/** A request id for a page view that did not come through NGINX. */
export function newRequestId(): string {
  return randomBytes(16).toString('hex')
}

/** A hit of no visitor, to try whether a commit would succeed. */
export function probeHit(): Hit {
  return { requestId: newRequestId(), clientIp: '0.0.0.0', cookieSrvId: null }
}

/** Durable storage that counts and logs hits. Both calls take at most `timeoutMs`, and 200 ms more for the ROLLBACK of a commit. */
export type HitStore = {
  /**
   * Counts and logs all of these hits in one transaction, or none of them.
   * `timeoutMs`: until the latest deadline of these hits. `earliestMs`: until the earliest; default: all have the same
   * @returns one count per hit, in their order
   * @throws CommitFailed
   */
  commit(hits: Hit[], timeoutMs: number, earliestMs?: number): Promise<Count[]>
  /**
   * Looks up which of these request ids were committed before.
   * @throws CommitFailed with outcome `rolled_back`: a look-up changes nothing
   */
  find(requestIds: string[], timeoutMs: number): Promise<Map<string, Count>>
}

/** rolled_back: certainly not committed. unknown: the packet was sent without an answer, so it may be or become committed. */
export type CommitOutcome = 'rolled_back' | 'unknown'

/**
 * repeat: a request id of the batch is in the log already. contention: another transaction holds a lock. refused: the database
 * answers but cannot do it, e.g. missing privilege or disk full. away: no connection, or no answer.
 */
export type CommitFailureKind = 'repeat' | 'contention' | 'refused' | 'away'

export class CommitFailed extends Error {
  readonly outcome: CommitOutcome
  readonly kind: CommitFailureKind

  constructor(outcome: CommitOutcome, kind: CommitFailureKind, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'CommitFailed'
    this.outcome = outcome
    this.kind = kind
  }

  /** The database's or driver's name for the cause, e.g. `ER_DISK_FULL`, `ECONNREFUSED`; `unknown` without a name. */
  get code(): string {
    return codeOf(this.cause) || 'unknown'
  }
}

/** Seconds after which a client should retry a page view that got no number. */
export const retryAfter = 1

/** Seconds after which a client should retry on an overloaded server: longer, since the load is still there. */
const retryAfterOverload = 5

/** This server has not counted the page view and will not. */
export class NotCounted extends AnswerError {
  constructor(
    code: 'overloaded' | 'counter_unavailable' | 'shutting_down',
    message: string,
    seconds = retryAfter,
  ) {
    super(503, code, message, { retryAfter: seconds })
    this.name = 'NotCounted'
  }
}

/** The database gave no number in time. */
export function counterUnavailable(): NotCounted {
  return new NotCounted(
    'counter_unavailable',
    'The counter cannot be reached right now. This server has not counted this page view.',
  )
}

/** The server has more requests than it can answer in time: refuse immediately rather than answer all of them late. */
export function overloaded(): NotCounted {
  return new NotCounted(
    'overloaded',
    'More visits are coming in than this server can answer. It has not counted this page view.',
    retryAfterOverload,
  )
}

export function shuttingDown(): NotCounted {
  return new NotCounted('shutting_down', 'This server is stopping. It has not counted this page view.')
}

/** A commit was running when the page view's time was up: it may be in the log. */
export class OutcomeUnknown extends AnswerError {
  constructor() {
    super(503, 'outcome_unknown', 'This page view may have been counted: the database did not say in time.', {
      retryAfter,
    })
    this.name = 'OutcomeUnknown'
  }
}

/** This server cannot count now, but another may: NGINX sends the page view there, with the same request id. */
export class PassedOn extends AnswerError {
  /** a packet with it has left, so this server may still count it */
  readonly mayBeCommitted: boolean

  constructor(mayBeCommitted: boolean) {
    super(403, 'cannot_count', 'This server cannot count page views at the moment.')
    this.name = 'PassedOn'
    this.mayBeCommitted = mayBeCommitted
  }
}

/** The client no longer waits for the answer. The page view is not counted. */
export class ClientDisconnected extends Error {
  constructor() {
    super('the client disconnected before its page view was counted')
    this.name = 'ClientDisconnected'
  }
}
