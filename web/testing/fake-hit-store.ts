import { CommitFailed, type Count, type Hit, type HitStore } from '../server/hits/hit.ts'

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
