import { overloaded } from './hit.ts'

type AdmissionLimits = {
  /** page views started in one turn of the event loop. Requests beyond that wait unread, so turns must stay short. */
  maxPerTurn: number
  /** turns in which a page view may start, counted from its arrival */
  maxTurns: number
  /** ms that a page view may have to wait for earlier batches */
  maxWaitMs: number
}

/** 256 pages take some 100 ms of a processor; a healthy server starts a few per turn. */
const defaultLimits: AdmissionLimits = { maxPerTurn: 256, maxTurns: 4, maxWaitMs: 250 }

/**
 * Admits page views, or refuses them before any work is done, so that the admitted ones are not delayed. It limits the
 * amount of work, not the time that work took. A process that was frozen finds hundreds of requests in its first turn,
 * most of them from clients that have disconnected, which it reads in the next turn: so a request that finds a turn
 * full waits for another.
 */
export class Admission {
  readonly #expectedWaitMs: () => number
  readonly #limits: AdmissionLimits
  #startedThisTurn = 0

  /** `expectedWaitMs`: ms that a hit submitted now would wait for earlier batches */
  constructor(expectedWaitMs: () => number, limits = defaultLimits) {
    this.#expectedWaitMs = expectedWaitMs
    this.#limits = limits
  }

  /**
   * Admits one page view.
   * @returns false if its client has disconnected while it waited
   * @throws NotCounted with the code `overloaded`
   */
  async enter(isDisconnected: () => boolean): Promise<boolean> {
    const { maxPerTurn, maxTurns, maxWaitMs } = this.#limits
    for (let turn = 1; this.#startedThisTurn >= maxPerTurn; turn++) {
      if (turn === maxTurns) throw overloaded()
      await new Promise(setImmediate)
      if (isDisconnected()) return false
    }
    if (this.#expectedWaitMs() > maxWaitMs) throw overloaded()
    if (this.#startedThisTurn++ === 0) setImmediate(() => this.#endTurn())
    return true
  }

  #endTurn(): void {
    this.#startedThisTurn = 0
  }
}
