import { overloaded } from './errors.ts'

export type AdmissionLimits = {
  /** page views begun in one turn of the event loop: what a turn does not get to waits unread, so turns must be short */
  mostATurn: number
  /** ms that a page view may have to wait for the batches of others */
  mostWaitMs: number
}

/** 256 pages take some 100 ms of a processor; a healthy server begins a few in a turn. */
const defaultLimits: AdmissionLimits = { mostATurn: 256, mostWaitMs: 250 }

/**
 * Lets page views in, or refuses them before anything is done for them: so those that are in keep their pace. It goes by
 * what there is to do, not by how long things took: a process that was frozen, or waits for the database, refuses nobody.
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

  /** Lets one page view in. @throws NotCounted with the code `overloaded` */
  enter(): void {
    const { mostATurn, mostWaitMs } = this.#limits
    if (this.#begunThisTurn >= mostATurn || this.#expectedWaitMs() > mostWaitMs) throw overloaded()
    if (this.#begunThisTurn++ === 0) setImmediate(() => this.#endTurn())
  }

  #endTurn(): void {
    this.#begunThisTurn = 0
  }
}
