import { crc32 } from 'node:zlib'
import { multiply, powerOfBytes } from './crc32-product.ts'
import type { Layout } from './layout.ts'

/**
 * The CRC-32 of a page for any values, from its CRC-32 with some: it is linear, so what a value changes depends on the
 * value and its places alone, and 70 kB need not be read again for each hit.
 */
export class Checksum<Slot extends string> {
  readonly #base: number
  /** `change`: what the value it had last changes; most are the same for one visitor as for the next */
  readonly #slots: { slot: Slot; base: number; factor: number; last: string | null; change: number }[] = []

  constructor({ page, places }: Layout<Slot>) {
    this.#base = crc32(page)
    for (const [slot, ofSlot] of Map.groupBy(places, place => place.slot)) {
      const [first] = ofSlot
      const base = first ? crc32(page.subarray(first.start, first.end)) : 0
      const factor = ofSlot.reduce((sum, place) => sum ^ powerOfBytes(page.length - place.end), 0)
      this.#slots.push({ slot, base, factor, last: null, change: 0 })
    }
  }

  /** For values of the same lengths. */
  of(values: Record<Slot, string>): number {
    let sum = this.#base
    for (const one of this.#slots) {
      const value = values[one.slot]
      if (value !== one.last) {
        one.last = value
        one.change = multiply(one.factor, crc32(value) ^ one.base)
      }
      sum ^= one.change
    }
    return sum >>> 0
  }
}
