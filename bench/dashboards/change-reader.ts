const start = 'event: change\n'
/** What ends an event; it stands nowhere within one, nor within what HTTP puts around it. */
const end = '\n\n'
/** bytes after its start in which a change says its count */
const head = 128

/**
 * Reads of a stream, piece by piece, only what says which changes are whole: 5,000 of them are read in one process. The
 * function returned takes a piece and says up to which count the changes go that it ends.
 */
export function changeReader(): (piece: Buffer) => number[] {
  let under: number | null = null
  return piece => {
    const whole: number[] = []
    for (let at = 0; ; ) {
      if (under === null) {
        const begins = piece.indexOf(start, at)
        if (begins < 0) return whole
        at = begins + start.length
        under = counterIn(piece.toString('latin1', at, at + head))
      }
      const ends = piece.indexOf(end, at)
      if (ends < 0) return whole
      if (under !== null) whole.push(under)
      under = null
      at = ends + end.length
    }
  }
}

function counterIn(text: string): number | null {
  const digits = /"counter":(\d+)/.exec(text)?.[1]
  return digits === undefined ? null : Number(digits)
}
