import type { CutText } from './layout.ts'

/**
 * Bytes to stand for values while a page is compressed. None occurs in the page, and none that a back-reference may cover
 * stands for anything else: so it can only lead to the same place of the same value.
 * @returns null when the page leaves too few bytes unused
 */
export function standInsFor(
  { pieces, places }: CutText,
  lengths: readonly number[],
): Map<number, Buffer> | null {
  const [lone, ...unused] = unusedBytes(pieces)
  const standIns = new Map<number, Buffer>()
  for (const [value, { length: times }] of Map.groupBy(places, place => place)) {
    const length = lengths[value] ?? 0
    // What has one place stands uncompressed there: nothing refers to it.
    if (times === 1) standIns.set(value, Buffer.alloc(length, lone))
    else standIns.set(value, Buffer.from(unused.splice(0, length)))
    if (lone === undefined || standIns.get(value)?.length !== length) return null
  }
  return standIns
}

function unusedBytes(pieces: readonly string[]): number[] {
  const used = new Uint8Array(256)
  for (const piece of pieces) for (const byte of Buffer.from(piece)) used[byte] = 1
  return Array.from(used.keys()).filter(byte => used[byte] === 0)
}
