/** A text cut where values go: one piece more than there are places, and the slot of each place. */
export type CutText<Slot extends string> = { pieces: readonly string[]; places: readonly Slot[] }

/** Bytes from `start` to before `end`. */
export type Place<Slot extends string> = { slot: Slot; start: number; end: number }

export type Layout<Slot extends string> = { page: Buffer; places: Place<Slot>[] }

/** The text as bytes, with values in it. */
export function layOut<Slot extends string>(
  { pieces, places }: CutText<Slot>,
  valueFor: (slot: Slot) => Buffer,
): Layout<Slot> {
  const parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  const laid: Place<Slot>[] = []
  for (const [index, piece] of pieces.entries()) {
    add(Buffer.from(piece))
    const slot = places[index]
    if (slot === undefined) continue
    const start = length
    add(valueFor(slot))
    laid.push({ slot, start, end: length })
  }
  return { page: Buffer.concat(parts), places: laid }
}
