import { constants, inflateRawSync } from 'node:zlib'

/** What ends the compressed blocks of an event. Source: https://www.zlib.net/manual.html#Basic, Z_SYNC_FLUSH */
const end = Buffer.from([0, 0, 0xff, 0xff])
const headersEnd = '\r\n\r\n'
/** bytes of a gzip member's header, as the board writes it */
const gzipHeader = 10

/** Compressed pieces whose counts are remembered: all streams are sent the same few. */
const remembered = 100
const countsOf = new Map<string, number[]>()

/**
 * Reads an answer of the live feed piece by piece, without chunks but compressed. The function returned takes a piece and
 * says up to which count the changes go that it ends. What 5,000 streams are sent alike is inflated once.
 */
export function changeReader(): (piece: Buffer) => number[] {
  let under: Buffer = Buffer.alloc(0)
  let began = false
  return piece => {
    under = under.length === 0 ? piece : Buffer.concat([under, piece])
    if (!began) {
      const bodyAt = under.indexOf(headersEnd) + headersEnd.length
      if (bodyAt < headersEnd.length || under.length < bodyAt + gzipHeader) return []
      under = under.subarray(bodyAt + gzipHeader)
      began = true
    }
    if (!under.subarray(-end.length).equals(end)) return []
    const whole = under
    under = Buffer.alloc(0)
    return countsIn(whole)
  }
}

function countsIn(whole: Buffer): number[] {
  const key = whole.toString('latin1')
  const known = countsOf.get(key)
  if (known) return known
  const text = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1')
  const counts = [...text.matchAll(/^event: change\ndata: \{"counter":(\d+)/gm)].map(([, count]) =>
    Number(count),
  )
  if (countsOf.size === remembered) countsOf.clear()
  countsOf.set(key, counts)
  return counts
}
