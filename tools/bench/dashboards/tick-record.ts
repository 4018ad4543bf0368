import type { Tick } from './messages.ts'

/** When each change arrived at each dashboard. */
export class TickRecord {
  readonly #ticks = new Map<number, number[]>()
  #on = false

  begin(): void {
    this.#ticks.clear()
    this.#on = true
  }

  arrived(counter: number, at: number): void {
    if (!this.#on) return
    const arrivals = this.#ticks.get(counter)
    if (arrivals) arrivals.push(at)
    else this.#ticks.set(counter, [at])
  }

  end(): Tick[] {
    this.#on = false
    return [...this.#ticks].map(([counter, arrivals]) => ({ counter, arrivals }))
  }
}
