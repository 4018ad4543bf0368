import { codeOf } from '../error-code.ts'
import type { Count, Hit } from './hit.ts'

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
