/** A text cut where values go: one piece more than there are places, and which of the values goes to each place. */
export type CutText = { pieces: readonly string[]; places: readonly number[] }

/** Bytes from `start` to before `end`, for the value of that index. */
export type Place = { value: number; start: number; end: number }

export type Layout = { page: Buffer; places: Place[] }

/** The text as bytes, with values in it. */
export function layOut({ pieces, places }: CutText, bytesFor: (value: number) => Buffer): Layout {
  const parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  const laid: Place[] = []
  for (const [index, piece] of pieces.entries()) {
    add(Buffer.from(piece))
    const value = places[index]
    if (value === undefined) continue
    const start = length
    add(bytesFor(value))
    laid.push({ value, start, end: length })
  }
  return { page: Buffer.concat(parts), places: laid }
}
