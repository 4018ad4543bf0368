import { crc32 } from 'node:zlib'
import { multiply, powerOfBytes } from './crc32-product.ts'
import type { Layout } from './layout.ts'

/**
 * The CRC-32 of a page for any values, from its CRC-32 with some: it is linear, so what a value changes depends on the
 * value and its places alone, and 70 kB need not be read again for each hit.
 */
export class Checksum {
  readonly #base: number
  /** of each value. `change`: what `last` changes; most are the same for one visitor as for the next */
  readonly #parts: { value: number; base: number; factor: number; last: string | null; change: number }[] = []

  constructor({ page, places }: Layout) {
    this.#base = crc32(page)
    for (const [value, itsPlaces] of Map.groupBy(places, place => place.value)) {
      const [first] = itsPlaces
      const base = first ? crc32(page.subarray(first.start, first.end)) : 0
      const factor = itsPlaces.reduce((sum, place) => sum ^ powerOfBytes(page.length - place.end), 0)
      this.#parts.push({ value, base, factor, last: null, change: 0 })
    }
  }

  /** For values of the same lengths. */
  of(values: readonly string[]): number {
    let sum = this.#base
    for (const part of this.#parts) {
      const text = values[part.value] ?? ''
      if (text !== part.last) {
        part.last = text
        part.change = multiply(part.factor, crc32(text) ^ part.base)
      }
      sum ^= part.change
    }
    return sum >>> 0
  }
}
