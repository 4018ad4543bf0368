import { inflateRawSync } from 'node:zlib'
import {
  Checksum,
  type CutBytes,
  type CutText,
  type Deflated,
  deflateAround,
  encodeText,
  type Layout,
  layOut,
  type Place,
  placeholdersFor,
  reach,
} from './page-deflate.ts'

/** Maximum forms. Each takes a few ms to make and holds a compressed page. */
const maxForms = 32

type Form = { lengths: readonly number[]; page: CompressedPage }

/** One page, compressed once for each set of lengths of its values: digits of a number, characters of an address. */
export class CompressedForms {
  readonly #text: CutText
  /** made with the first form: not every page is sent compressed */
  #bytes: CutBytes | null = null
  readonly #forms: Form[] = []

  constructor(text: CutText) {
    this.#text = text
  }

  /** The page as one gzip member; null if there are too many forms already. `values` are ASCII. */
  fill(values: readonly string[]): FilledPage | null {
    const form = this.#forms.find(({ lengths }) => haveLengths(values, lengths)) ?? this.#make(values)
    return form?.page.fill(values) ?? null
  }

  #make(values: readonly string[]): Form | null {
    if (this.#forms.length >= maxForms) return null
    const lengths = values.map(value => value.length)
    this.#bytes ??= encodeText(this.#text)
    const form = { lengths, page: CompressedPage.of(this.#bytes, lengths) }
    this.#forms.push(form)
    return form
  }
}

function haveLengths(values: readonly string[], lengths: readonly number[]): boolean {
  return values.every((value, index) => value.length === lengths[index])
}

/** Deflate; no name, time or operating system. https://www.rfc-editor.org/rfc/rfc1952#section-2.3 */
const memberHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff])
const trailerBytes = 8

export type FilledPage = {
  bytes: Buffer
  /** Call it once nothing reads the bytes any more: they are then used for another visitor's page. */
  giveBack(): void
}

/**
 * A page as one gzip member, compressed once for all values of the same lengths. Each value's first place is uncompressed, and
 * its other places are back-references to it. So filling in a value writes only a few bytes. A long value with few places can be
 * uncompressed in all of them: see placeholdersFor.
 */
export class CompressedPage {
  readonly #member: Buffer
  readonly #stored: Deflated['stored']
  readonly #checksum: Checksum
  /**
   * Buffers that were given back. A new one for each page view would be ten megabytes per second beside V8's heap of twenty:
   * V8 then collected its whole heap twice a second.
   */
  readonly #spare: Buffer[] = []

  private constructor(deflated: Deflated, pageBytes: number, checksum: Checksum) {
    this.#member = Buffer.concat([memberHeader, deflated.bytes, Buffer.alloc(trailerBytes)])
    this.#member.writeUInt32LE(pageBytes, this.#member.length - 4)
    this.#stored = deflated.stored.map(({ value, at }) => ({ value, at: at + memberHeader.length }))
    this.#checksum = checksum
  }

  static of(text: CutBytes, lengths: readonly number[]): CompressedPage {
    const { bytes, uncompressed } = placeholdersFor(text, lengths)
    // A digit is never a placeholder, so the probe shows a placeholder that is left.
    const probe = layOut(text, value => Buffer.alloc(lengths[value] ?? 0, '0'))
    const layout = layOut(text, value => bytes.get(value) ?? Buffer.alloc(0))
    return new CompressedPage(deflateAll(layout, probe, uncompressed), probe.page.length, new Checksum(probe))
  }

  /** `values` are ASCII and have the lengths that the page was made for. */
  fill(values: readonly string[]): FilledPage {
    const bytes = this.#spare.pop() ?? Buffer.from(this.#member)
    for (const { value, at } of this.#stored) bytes.write(values[value] ?? '', at, 'latin1')
    bytes.writeUInt32LE(this.#checksum.of(values), bytes.length - trailerBytes)
    return { bytes, giveBack: () => this.#spare.push(bytes) }
  }
}

/**
 * zlib may omit a possible back-reference. So the result is decompressed with other values in it: a place that does not show
 * them was written out, and is kept uncompressed in the next try.
 */
function deflateAll(layout: Layout, probe: Layout, uncompressed: ReadonlySet<number>): Deflated {
  const kept = new Set(firstPlaces(layout.places))
  for (const place of layout.places) if (uncompressed.has(place.value)) kept.add(place)
  for (;;) {
    const deflated = deflateAround(
      layout.page,
      layout.places.filter(place => kept.has(place)),
    )
    const wrong = wrongPlaces(deflated, layout.places, probe.page)
    if (wrong.length === 0) return deflated
    const before = kept.size
    for (const place of wrong) kept.add(place)
    if (kept.size === before) throw new Error('the compressed page does not take its values')
  }
}

/** The first place of each value, and every place too far from the one before for a back-reference. */
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
