import { overloaded } from '../hit/errors.ts'

/** ms that a page view may have to expect to wait, beyond what it takes by itself */
const mostMs = 250

/** Page views in progress below which none is refused: so there is always something to see that it got better by. */
const always = 32

type Waits = {
  /** ms until a request is read */
  loopLagMs(): number
  /** ms until a hit's batch leaves */
  queueMs(): number
}

/** Lets page views in, or refuses them before anything is done for them: so those that are in keep their pace. */
export class Admission {
  readonly #waits: Waits
  #inProgress = 0

  constructor(waits: Waits) {
    this.#waits = waits
  }

  /** Does `work` if it can be done in time. @throws NotCounted with the code `overloaded` */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inProgress >= always && this.#expectedMs() > mostMs) throw overloaded()
    this.#inProgress++
    try {
      return await work()
    } finally {
      this.#inProgress--
    }
  }

  #expectedMs(): number {
    return this.#waits.loopLagMs() + this.#waits.queueMs()
  }
}
