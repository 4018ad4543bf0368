import { constants, crc32, deflateRawSync } from 'node:zlib'

/** A text cut where values go. It has one piece more than places; `places` has the index of each place's value. */
export type CutText = { pieces: readonly string[]; places: readonly number[] }

/** The same as bytes, for every set of lengths of the values. */
export type CutBytes = {
  pieces: readonly Buffer[]
  places: readonly number[]
  /** bytes that occur in no piece */
  unused: readonly number[]
}

export function encodeText({ pieces, places }: CutText): CutBytes {
  const encoded = pieces.map(piece => Buffer.from(piece))
  return { pieces: encoded, places, unused: unusedBytes(encoded) }
}

function unusedBytes(pieces: readonly Buffer[]): number[] {
  const used = new Uint8Array(256)
  for (const piece of pieces) {
    // By index: an iterator takes ten times as long, which is a millisecond for a page.
    for (let index = 0; index < piece.length; index++) used[piece[index] ?? 0] = 1
  }
  return Array.from(used.keys()).filter(byte => used[byte] === 0)
}

/** The bytes from `start` up to `end` (exclusive) that hold the value with that index. */
export type Place = { value: number; start: number; end: number }

export type Layout = { page: Buffer; places: Place[] }

/** The text as bytes, with values filled in. */
export function layOut({ pieces, places }: CutBytes, bytesFor: (value: number) => Buffer): Layout {
  const parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  const laid: Place[] = []
  for (const [index, piece] of pieces.entries()) {
    add(piece)
    const value = places[index]
    if (value === undefined) continue
    const start = length
    add(bytesFor(value))
    laid.push({ value, start, end: length })
  }
  return { page: Buffer.concat(parts), places: laid }
}

type Placeholders = {
  /** the bytes of each value */
  bytes: ReadonlyMap<number, Buffer>
  /** the values that are uncompressed in all their places */
  uncompressed: ReadonlySet<number>
}

/** Occurs in no UTF-8 text. https://www.rfc-editor.org/rfc/rfc3629#section-3 */
const lone = 0xff

/**
 * Bytes that replace the values while the page is compressed. They do not occur elsewhere in the page, and bytes that a
 * back-reference may cover belong to one value only: so a back-reference leads to the same position of the same value. Nothing
 * refers to a value that is uncompressed in all its places, so all such values can use the same byte: those with one place, and
 * those for which the page leaves too few bytes unused. Values with many places come first, as each place would be as long as the value.
 */
export function placeholdersFor(text: CutBytes, lengths: readonly number[]): Placeholders {
  const unused = text.unused.filter(byte => byte !== lone)
  const bytes = new Map<number, Buffer>()
  const uncompressed = new Set<number>()
  const values = [...Map.groupBy(text.places, place => place)]
    .map(([value, { length: times }]) => ({ value, times, length: lengths[value] ?? 0 }))
    .sort((a, b) => b.times - a.times || a.length - b.length)
  for (const { value, times, length } of values) {
    if (times > 1 && length <= unused.length) bytes.set(value, Buffer.from(unused.splice(0, length)))
    else {
      bytes.set(value, Buffer.alloc(length, lone))
      uncompressed.add(value)
    }
  }
  return { bytes, uncompressed }
}

/** Maximum distance of zlib's back-references. */
export const reach = 32_768 - 262

/** Header of a stored block: not the last block, then its length twice. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4 */
const storedHeaderBytes = 5
const maxStoredBytes = 0xffff

export type Deflated = {
  bytes: Buffer
  /** where in `bytes` the uncompressed values are */
  stored: { value: number; at: number }[]
}

/**
 * Maximum bytes between two uncompressed places that stay uncompressed too. To compress them costs as many bytes for the ends of
 * two blocks, and a call of zlib, which takes 50 µs with its dictionary, however short they are.
 */
const shortGap = 24

/** Compresses a page except the places in `kept`, which are in order and stay uncompressed, with short texts between them. */
export function deflateAround(page: Buffer, kept: Place[]): Deflated {
  const parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  const stored: Deflated['stored'] = []
  let from = 0
  for (const run of runsOf(kept)) {
    if (run.start > from) add(deflatePart(page, from, run.start, constants.Z_SYNC_FLUSH))
    add(storedHeader(run.end - run.start))
    for (const { value, start } of run.places) stored.push({ value, at: length + start - run.start })
    add(page.subarray(run.start, run.end))
    from = run.end
  }
  add(deflatePart(page, from, page.length, constants.Z_FINISH))
  return { bytes: Buffer.concat(parts), stored }
}

type Run = { start: number; end: number; places: Place[] }

/** Places with short gaps between them are one run, up to the length of a stored block. */
function runsOf(places: Place[]): Run[] {
  const runs: Run[] = []
  for (const place of places) {
    const last = runs.at(-1)
    if (last && place.start - last.end <= shortGap && place.end - last.start <= maxStoredBytes) {
      last.end = place.end
      last.places.push(place)
    } else runs.push({ start: place.start, end: place.end, places: [place] })
  }
  return runs
}

/** The bytes before the part are its dictionary, as they are for a client that decompresses the whole page. */
function deflatePart(page: Buffer, from: number, to: number, finishFlush: number): Buffer {
  const dictionary = page.subarray(Math.max(0, from - 32_768), from)
  const options = { level: 9, finishFlush }
  return deflateRawSync(page.subarray(from, to), dictionary.length > 0 ? { ...options, dictionary } : options)
}

function storedHeader(length: number): Buffer {
  const header = Buffer.alloc(storedHeaderBytes)
  header.writeUInt16LE(length, 1)
  header.writeUInt16LE(~length & 0xffff, 3)
  return header
}

/**
 * The CRC-32 of a page for any values, computed from its CRC-32 for some values. CRC-32 is linear: the change by a
 * value depends only on the value and its places, so 70 kB need not be read again for each hit.
 */
export class Checksum {
  readonly #base: number
  /** one per value. `change` is the change by `last`: most values are the same for the next visitor */
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

  /** `values` have the same lengths as in the layout. */
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

// Arithmetic of CRC-32: polynomials over GF(2) modulo gzip's polynomial, with the coefficient of x^0 in the highest bit.
// Source: crc32_combine_gen and multmodp of zlib, https://github.com/madler/zlib/blob/v1.3.1/crc32.c

/** x^32 + x^26 + … + 1, without x^32 */
const modulus = 0xedb88320
const one = 0x80000000

/** a · b */
export function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b
    b = b & 1 ? (b >>> 1) ^ modulus : b >>> 1
  }
  return product >>> 0
}

/** x^8, its square, the square of that, …: for the digits of a length in binary, up to 2^32 bytes */
const squares = [0x00800000]
for (let digit = 1; digit < 32; digit++) {
  const square = squares.at(-1) ?? 0
  squares.push(multiply(square, square))
}

/** x^(8n): multiplying a checksum by it appends n bytes. */
export function powerOfBytes(n: number): number {
  let power = one
  for (let digit = 0, left = n; left > 0; digit++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = multiply(squares[digit] ?? 0, power)
  }
  return power
}
