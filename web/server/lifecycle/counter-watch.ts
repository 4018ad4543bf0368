/**
 * Notices a counter that went back: after a restore, or when another database answers. Numbers that are on their way
 * when others come in are no sign of it, so each is compared with what was known before it was asked for.
 */
export class CounterWatch {
  readonly #onBack: (from: number, to: number) => void
  #highest = 0

  constructor(onBack: (from: number, to: number) => void) {
    this.#onBack = onBack
  }

  /** the highest value known, of the counter or of a number given; to be read before a new one is asked for */
  get highest(): number {
    return this.#highest
  }

  /** `before`: the highest value when this one was asked for */
  note(value: number, before: number): void {
    if (value >= before) {
      this.#highest = Math.max(this.#highest, value)
      return
    }
    this.#highest = value
    this.#onBack(before, value)
  }
}
