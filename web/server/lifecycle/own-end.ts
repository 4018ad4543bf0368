import { setTimeout as pause } from 'node:timers/promises'
import type { EndCommand } from '../db/control.ts'
import { log } from '../log.ts'

/** ms to wait for the answers about control that this replica is sending */
const answersMs = 1000

type Options = {
  /** acknowledges the wish; false if it was withdrawn */
  take(end: EndCommand): Promise<boolean>
  /** ends this process */
  signal?(signal: NodeJS.Signals): void
  log?: (text: string) => void
}

/**
 * Ends this replica when control wants it: `restart` as SIGTERM does, `kill` as a crash does, with nothing done before. The
 * launcher or Docker starts it again. This replica may itself answer the request, so the answer may leave first.
 */
export class OwnEnd {
  readonly #take: Options['take']
  readonly #signal: (signal: NodeJS.Signals) => void
  readonly #write: (text: string) => void
  readonly #answers = new Set<Promise<unknown>>()
  #begun = false

  constructor({
    take,
    signal = each => void process.kill(process.pid, each),
    log: write = log.info,
  }: Options) {
    this.#take = take
    this.#signal = signal
    this.#write = write
  }

  /** Call it with each answer about control; the promise resolves when it has left. */
  holdFor(answered: Promise<unknown>): void {
    this.#answers.add(answered)
    void answered.catch(() => {}).finally(() => this.#answers.delete(answered))
  }

  /** Acknowledges the wish and ends this process, once. @throws database errors */
  async obey(end: EndCommand): Promise<void> {
    if (this.#begun || !(await this.#take(end))) return
    this.#begun = true
    this.#write(`control wants it to ${end === 'kill' ? 'be killed' : 'restart'}`)
    await Promise.race([Promise.allSettled(this.#answers), pause(answersMs, undefined, { ref: false })])
    this.#signal(end === 'kill' ? 'SIGKILL' : 'SIGTERM')
  }
}
