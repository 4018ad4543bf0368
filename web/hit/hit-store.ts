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
export class CommitFailed extends Error {
  readonly outcome: 'rolled_back' | 'unknown'

  constructor(outcome: 'rolled_back' | 'unknown', cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'CommitFailed'
    this.outcome = outcome
  }
}
