import { inflateRawSync } from 'node:zlib'
import { Checksum } from './checksum.ts'
import { type Deflated, deflateAround, reach } from './deflate-around.ts'
import { type CutText, type Layout, layOut, type Place } from './layout.ts'
import { standInsFor } from './stand-ins.ts'

/** Deflate, no name, no time, no system. https://www.rfc-editor.org/rfc/rfc1952#section-2.3 */
const memberHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff])
const trailerBytes = 8

/** A page to be sent. */
export type FilledPage = {
  bytes: Buffer
  /** to be called once the bytes have left: they become another visitor's page */
  giveBack(): void
}

/**
 * A page as one gzip member, compressed once for all values of the same lengths. A value stands in it uncompressed where
 * it first occurs, and the compressed rest refers back to that.
 */
export class CompressedPage<Slot extends string> {
  readonly #member: Buffer
  readonly #stored: Deflated<Slot>['stored']
  readonly #checksum: Checksum<Slot>
  /**
   * Copies that have been sent. A new one for each page view would be ten megabytes a second that V8 sees beside a heap
   * of twenty: it collected all of that twice a second.
   */
  readonly #spare: Buffer[] = []

  private constructor(deflated: Deflated<Slot>, pageBytes: number, checksum: Checksum<Slot>) {
    this.#member = Buffer.concat([memberHeader, deflated.bytes, Buffer.alloc(trailerBytes)])
    this.#member.writeUInt32LE(pageBytes, this.#member.length - 4)
    this.#stored = deflated.stored.map(({ slot, at }) => ({ slot, at: at + memberHeader.length }))
    this.#checksum = checksum
  }

  /** @returns null for a page that leaves too few bytes unused to stand for such values while it is compressed */
  static of<Slot extends string>(
    text: CutText<Slot>,
    lengthOf: (slot: Slot) => number,
  ): CompressedPage<Slot> | null {
    const standIns = standInsFor(text, lengthOf)
    if (!standIns) return null
    // A digit is no stand-in, so a stand-in that is left shows.
    const probe = layOut(text, slot => Buffer.alloc(lengthOf(slot), '0'))
    const layout = layOut(text, slot => standIns.get(slot) ?? Buffer.alloc(0))
    return new CompressedPage(deflateAll(layout, probe), probe.page.length, new Checksum(probe))
  }

  /** `values` are ASCII, and of the lengths it was made for. */
  fill(values: Record<Slot, string>): FilledPage {
    const bytes = this.#spare.pop() ?? Buffer.from(this.#member)
    for (const { slot, at } of this.#stored) bytes.write(values[slot], at, 'latin1')
    bytes.writeUInt32LE(this.#checksum.of(values), bytes.length - trailerBytes)
    return { bytes, giveBack: () => this.#spare.push(bytes) }
  }
}

/**
 * zlib need not refer back where it could. So the outcome is decompressed with other values in it: a place that does not
 * take them on was written out, and is kept apart next time.
 */
function deflateAll<Slot extends string>(layout: Layout<Slot>, probe: Layout<Slot>): Deflated<Slot> {
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

/** Of each slot, and after so long a stretch that nothing can refer back to the one before. */
function firstPlaces<Slot extends string>(places: Place<Slot>[]): Place<Slot>[] {
  const last = new Map<Slot, number>()
  return places.filter(({ slot, start, end }) => {
    const before = last.get(slot)
    last.set(slot, start)
    return before === undefined || end - before > reach
  })
}

function wrongPlaces<Slot extends string>(
  { bytes, stored }: Deflated<Slot>,
  places: Place<Slot>[],
  probe: Buffer,
): Place<Slot>[] {
  const probed = Buffer.from(bytes)
  const lengths = new Map(places.map(place => [place.slot, place.end - place.start]))
  for (const { slot, at } of stored) probed.fill('0', at, at + (lengths.get(slot) ?? 0))
  const page = inflateRawSync(probed)
  return places.filter(({ start, end }) => page.compare(probe, start, end, start, end) !== 0)
}
