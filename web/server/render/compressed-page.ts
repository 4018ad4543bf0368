import { inflateRawSync } from 'node:zlib'
import {
  Checksum,
  type CutText,
  type Deflated,
  deflateAround,
  type Layout,
  layOut,
  type Place,
  reach,
  standInsFor,
} from './page-deflate.ts'

/** Each takes a millisecond or two to make, and holds a compressed page. */
const mostForms = 32

/** `page`: null = not to be had */
type Form = { lengths: readonly number[]; page: CompressedPage | null }

/** One page, compressed for each set of lengths that its values come in: digits of a number, letters of an address. */
export class CompressedForms {
  readonly #text: CutText
  readonly #forms: Form[] = []

  constructor(text: CutText) {
    this.#text = text
  }

  /** As one gzip member; null: not to be had this way. `values` are ASCII. */
  fill(values: readonly string[]): FilledPage | null {
    const form = this.#forms.find(({ lengths }) => haveLengths(values, lengths)) ?? this.#make(values)
    return form?.page?.fill(values) ?? null
  }

  #make(values: readonly string[]): Form | null {
    if (this.#forms.length >= mostForms) return null
    const lengths = values.map(value => value.length)
    const form = { lengths, page: CompressedPage.of(this.#text, lengths) }
    this.#forms.push(form)
    return form
  }
}

function haveLengths(values: readonly string[], lengths: readonly number[]): boolean {
  return values.every((value, index) => value.length === lengths[index])
}

/** Deflate, no name, no time, no system. https://www.rfc-editor.org/rfc/rfc1952#section-2.3 */
const memberHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff])
const trailerBytes = 8

/** A page to be sent. */
export type FilledPage = {
  bytes: Buffer
  /** to be called once nothing reads the bytes any more: they become another visitor's page */
  giveBack(): void
}

/**
 * A page as one gzip member, compressed once for all values of the same lengths. A value stands in it uncompressed where
 * it first occurs, and the compressed rest refers back to that.
 */
export class CompressedPage {
  readonly #member: Buffer
  readonly #stored: Deflated['stored']
  readonly #checksum: Checksum
  /**
   * Copies that were given back. A new one for each page view would be ten megabytes a second that V8 sees beside a heap
   * of twenty: it collected all of that twice a second.
   */
  readonly #spare: Buffer[] = []

  private constructor(deflated: Deflated, pageBytes: number, checksum: Checksum) {
    this.#member = Buffer.concat([memberHeader, deflated.bytes, Buffer.alloc(trailerBytes)])
    this.#member.writeUInt32LE(pageBytes, this.#member.length - 4)
    this.#stored = deflated.stored.map(({ value, at }) => ({ value, at: at + memberHeader.length }))
    this.#checksum = checksum
  }

  /** @returns null for a page that leaves too few bytes unused to stand for such values while it is compressed */
  static of(text: CutText, lengths: readonly number[]): CompressedPage | null {
    const standIns = standInsFor(text, lengths)
    if (!standIns) return null
    // A digit is no stand-in, so a stand-in that is left shows.
    const probe = layOut(text, value => Buffer.alloc(lengths[value] ?? 0, '0'))
    const layout = layOut(text, value => standIns.get(value) ?? Buffer.alloc(0))
    return new CompressedPage(deflateAll(layout, probe), probe.page.length, new Checksum(probe))
  }

  /** `values` are ASCII, and of the lengths it was made for. */
  fill(values: readonly string[]): FilledPage {
    const bytes = this.#spare.pop() ?? Buffer.from(this.#member)
    for (const { value, at } of this.#stored) bytes.write(values[value] ?? '', at, 'latin1')
    bytes.writeUInt32LE(this.#checksum.of(values), bytes.length - trailerBytes)
    return { bytes, giveBack: () => this.#spare.push(bytes) }
  }
}

/**
 * zlib need not refer back where it could. So the outcome is decompressed with other values in it: a place that does not
 * take them on was written out, and is kept apart next time.
 */
function deflateAll(layout: Layout, probe: Layout): Deflated {
  const kept = new Set(firstPlaces(layout.places))
  for (;;) {
    const deflated = deflateAround(
      layout.page,
      layout.places.filter(place => kept.has(place)),
    )
    const wrong = wrongPlaces(deflated, layout.places, probe.page)
    if (wrong.length === 0) return deflated
    const before = kept.size
    for (const place of wrong) kept.add(place)
    if (kept.size === before) throw new Error('the compressed page does not take on its values')
  }
}

/** Of each value, and after so long a stretch that nothing can refer back to the one before. */
function firstPlaces(places: Place[]): Place[] {
  const last = new Map<number, number>()
  return places.filter(({ value, start, end }) => {
    const before = last.get(value)
    last.set(value, start)
    return before === undefined || end - before > reach
  })
}

function wrongPlaces({ bytes, stored }: Deflated, places: Place[], probe: Buffer): Place[] {
  const probed = Buffer.from(bytes)
  const lengths = new Map(places.map(place => [place.value, place.end - place.start]))
  for (const { value, at } of stored) probed.fill('0', at, at + (lengths.get(value) ?? 0))
  const page = inflateRawSync(probed)
  return places.filter(({ start, end }) => page.compare(probe, start, end, start, end) !== 0)
}
