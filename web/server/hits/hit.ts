import { randomBytes } from 'node:crypto'
import type { Arrival } from '../../shared/api.ts'
import { AnswerError, codeOf } from '../errors.ts'

/** A page view on its way to its number. */
export type Hit = {
  /** 32 lowercase hex digits, given by NGINX, the same over all its retries: what makes a second try the same hit */
  requestId: string
  /** normalised */
  clientIp: string
  /** the server the visitor came with; null = none, or not well-formed */
  cookieSrvId: string | null
}

/** What the commit gave a hit. */
export type Count = {
  /** the hit's number */
  id: number
  /** when it was counted, by the database's clock: ISO 8601, UTC, ms */
  at: string
}

export function arrivalOf(cookieSrvId: string | null, srvId: string): Arrival {
  if (cookieSrvId === null) return 'new'
  return cookieSrvId === srvId ? 'returning' : 'moved'
}

/** For a page view that did not come through NGINX. */
export function newRequestId(): string {
  return randomBytes(16).toString('hex')
}

/** Where hits are counted and logged, durably. Both calls take at most `timeoutMs`. */
export type HitStore = {
  /**
   * Counts and logs all of these hits in one transaction, or none of them.
   * @returns one count a hit, in their order
   * @throws CommitFailed
   */
  commit(hits: Hit[], timeoutMs: number): Promise<Count[]>
  /**
   * The counts of those request ids that were committed before.
   * @throws CommitFailed with outcome `rolled_back`: looking changes nothing
   */
  find(requestIds: string[], timeoutMs: number): Promise<Map<string, Count>>
}

/**
 * rolled_back: certainly not committed. unknown: the packet was sent and no answer came, so it may be committed now,
 * or still be.
 */
export type CommitOutcome = 'rolled_back' | 'unknown'

/**
 * repeat: a request id of the batch is in the log already. contention: others hold a lock. refused: the database answers and
 * will not do it, e.g. for want of a right or of space. away: no connection, or no answer.
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

  /** What the database or the driver calls the cause, e.g. `ER_DISK_FULL`, `ECONNREFUSED`; `unknown` without a name. */
  get code(): string {
    return codeOf(this.cause) || 'unknown'
  }
}

/** Seconds after which a page view that got no number should be tried again. */
export const retryAfter = 1

/** Seconds after which a server that had too much to do is worth another try: the load that it refused is still there. */
const retryAfterOverload = 5

/** This server has not counted the page view, and will not. */
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

/** The database gave it no number in time. */
export function counterUnavailable(): NotCounted {
  return new NotCounted(
    'counter_unavailable',
    'The counter cannot be reached right now. This server has not counted this page view.',
  )
}

/** More than this server can answer in time: better refused at once than answered late, and others with it. */
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

/** A commit was under way when the page view's time was up: it may stand in the log. */
export class OutcomeUnknown extends AnswerError {
  constructor() {
    super(503, 'outcome_unknown', 'This page view may have been counted: the database did not say in time.', {
      retryAfter,
    })
    this.name = 'OutcomeUnknown'
  }
}

/** This server cannot count at the moment, and another may: NGINX takes the page view there, with the same request id. */
export class PassedOn extends AnswerError {
  /** a packet with it has left, so this server's commit may count it yet */
  readonly mayBeCommitted: boolean

  constructor(mayBeCommitted: boolean) {
    super(403, 'cannot_count', 'This server cannot count page views at the moment.')
    this.name = 'PassedOn'
    this.mayBeCommitted = mayBeCommitted
  }
}

/** Nobody waits for the answer any more; the page view is not counted. */
export class ClientGone extends Error {
  constructor() {
    super('the client left before its page view was counted')
    this.name = 'ClientGone'
  }
}
