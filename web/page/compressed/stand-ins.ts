import type { CutText } from './layout.ts'

/**
 * Bytes to stand for values while a page is compressed. None occurs in the page, or stands for anything else: so a
 * back-reference that covers one can only lead to the same place of the same value.
 * @returns null when the page leaves too few bytes unused
 */
export function standInsFor<Slot extends string>(
  { pieces, places }: CutText<Slot>,
  lengthOf: (slot: Slot) => number,
): Map<Slot, Buffer> | null {
  const used = new Set<number>()
  for (const piece of pieces) for (const byte of Buffer.from(piece)) used.add(byte)
  const unused = Array.from({ length: 256 }, (_, byte) => byte).filter(byte => !used.has(byte))
  const standIns = new Map<Slot, Buffer>()
  for (const slot of new Set(places)) {
    const length = lengthOf(slot)
    if (unused.length < length) return null
    standIns.set(slot, Buffer.from(unused.splice(0, length)))
  }
  return standIns
}
