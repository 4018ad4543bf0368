import { rest } from '../lifecycle/rest.ts'

/** Request ids are kept for ten minutes, longer than any retry. */
const keepMs = 10 * 60_000
const batchSize = 2000
/** between two batches, in ms: hits go first */
const breath = 50

type Sample = { takenAt: number; lastId: number }

/**
 * Forgets request ids that are old enough, by two clocks. The database's says how old each one is (`prune`), and this
 * replica remembers the highest number it had given at each minute, by its own steady clock. So a database's clock that
 * jumps removes nothing that is young, and numbers that go back, after a restore, do not either.
 */
export class RequestIdRetention {
  readonly #prune: (lastId: number, limit: number) => Promise<number>
  readonly #now: () => number
  #lastId = 0
  #samples: Sample[] = []

  constructor(prune: (lastId: number, limit: number) => Promise<number>, now = () => performance.now()) {
    this.#prune = prune
    this.#now = now
  }

  /** Called for every number given. */
  noteNumber(id: number): void {
    if (id > this.#lastId) this.#lastId = id
  }

  /** The counter went back: what was noted of higher numbers says nothing about those that are given from now on. */
  startOver(): void {
    this.#lastId = 0
    this.#samples = []
  }

  /** Takes a sample, and prunes what the old ones allow. @throws what `prune` throws; the next turn tries again */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#now()
    this.#samples.push({ takenAt: now, lastId: this.#lastId })
    const old = this.#samples.findLast(sample => now - sample.takenAt >= keepMs)
    if (!old) return
    while ((await this.#prune(old.lastId, batchSize)) === batchSize) {
      if (!(await rest(breath, signal))) return
    }
    this.#samples = this.#samples.filter(sample => sample.takenAt > old.takenAt)
  }
}
