import { overloaded } from './hit.ts'

export type AdmissionLimits = {
  /** page views begun in one turn of the event loop: what a turn does not get to waits unread, so turns must be short */
  mostATurn: number
  /** turns in which a page view may be begun, the one it came in and those after it */
  mostTurns: number
  /** ms that a page view may have to wait for the batches of others */
  mostWaitMs: number
}

/** 256 pages take some 100 ms of a processor; a healthy server begins a few in a turn. */
const defaultLimits: AdmissionLimits = { mostATurn: 256, mostTurns: 4, mostWaitMs: 250 }

/**
 * Lets page views in, or refuses them before anything is done for them: so those that are in keep their pace. It goes by
 * what there is to do, not by how long things took. A process that was frozen finds hundreds in its first turn whose clients
 * have gone, which it reads in the next: so whoever finds a turn full waits for another.
 */
export class Admission {
  readonly #expectedWaitMs: () => number
  readonly #limits: AdmissionLimits
  #begunThisTurn = 0

  /** `expectedWaitMs`: what a hit submitted now would wait for the batches of others */
  constructor(expectedWaitMs: () => number, limits = defaultLimits) {
    this.#expectedWaitMs = expectedWaitMs
    this.#limits = limits
  }

  /**
   * Lets one page view in, or not if its client has gone meanwhile.
   * @throws NotCounted with the code `overloaded`
   */
  async enter(isGone: () => boolean): Promise<boolean> {
    const { mostATurn, mostTurns, mostWaitMs } = this.#limits
    for (let turn = 1; this.#begunThisTurn >= mostATurn; turn++) {
      if (turn === mostTurns) throw overloaded()
      await new Promise(setImmediate)
      if (isGone()) return false
    }
    if (this.#expectedWaitMs() > mostWaitMs) throw overloaded()
    if (this.#begunThisTurn++ === 0) setImmediate(() => this.#endTurn())
    return true
  }

  #endTurn(): void {
    this.#begunThisTurn = 0
  }
}
