import { createConnection } from 'node:net'
import { constants, inflateRawSync } from 'node:zlib'
import { z } from 'zod'

/** A change that was pushed: up to which number the board had counted, and when it was whole at each dashboard. */
export type Tick = { counter: number; arrivals: number[] }

/** What the holder of the dashboards is told. */
export const orderSchema = z.enum(['begin', 'end'])
export type Order = z.output<typeof orderSchema>

/** What it says: once all are open, and after the end, `arrivals` being ms since 1970. */
export const wordSchema = z.union([
  z.object({ open: z.number() }),
  z.object({
    lost: z.number(),
    ticks: z.array(z.object({ counter: z.number(), arrivals: z.array(z.number()) })),
  }),
])
export type Word = z.output<typeof wordSchema>

type StreamEvents = {
  /** a change is whole, which tells of the count up to `counter` */
  onChange: (counter: number) => void
  onClose: () => void
}

/**
 * Opens a dashboard's stream, compressed as browsers have it; by HTTP/1.0, in which it is not chunked. Resolves when its
 * answer begins.
 */
export function openStream(url: URL, { onChange, onClose }: StreamEvents): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = createConnection({ host: url.hostname, port: Number(url.port) })
  const headers = `Host: ${url.host}\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip, deflate\r\n`
  socket.write(`GET /api/live HTTP/1.0\r\n${headers}\r\n`)
  const read = changeReader()
  socket.once('data', (piece: Buffer) => {
    const status = piece.toString('latin1', 0, 12)
    if (status === 'HTTP/1.1 200') resolve()
    else reject(new Error(`a stream was answered ${status}`))
  })
  socket.on('data', (piece: Buffer) => {
    for (const counter of read(piece)) onChange(counter)
  })
  socket.on('error', reject)
  socket.on('close', () => {
    reject(new Error('the stream was closed before it began'))
    onClose()
  })
  return promise
}

/** What ends the compressed blocks of an event. Source: https://www.zlib.net/manual.html#Basic, Z_SYNC_FLUSH */
const flushMarker = Buffer.from([0, 0, 0xff, 0xff])
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
    if (!under.subarray(-flushMarker.length).equals(flushMarker)) return []
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

/** When each change arrived at each dashboard. */
export class TickRecord {
  readonly #ticks = new Map<number, number[]>()
  #on = false

  begin(): void {
    this.#ticks.clear()
    this.#on = true
  }

  arrived(counter: number, at: number): void {
    if (!this.#on) return
    const arrivals = this.#ticks.get(counter)
    if (arrivals) arrivals.push(at)
    else this.#ticks.set(counter, [at])
  }

  end(): Tick[] {
    this.#on = false
    return [...this.#ticks].map(([counter, arrivals]) => ({ counter, arrivals }))
  }
}

export type Delays = {
  /** NaN where too little arrived to tell */
  p50Ms: number
  p95Ms: number
  /** of the changes that all dashboards should have got, the share that arrived */
  delivered: number
}

/** Longest delay told apart, in ms. */
const longest = 60_000

/**
 * How long hits took to reach the dashboards: each hit at each dashboard, by the change that was the first to count it.
 * `countedAt` is when each hit was counted, ms since 1970. The first change only says where the second begins, and the
 * last may still have been on its way to some.
 */
export function delaysOf(ticks: Tick[], countedAt: Map<number, number>, dashboards: number): Delays {
  const counts = new Uint32Array(longest + 1)
  const inOrder = ticks.toSorted((a, b) => a.counter - b.counter)
  const whole = inOrder.slice(1, -1)
  for (const [index, { counter, arrivals }] of whole.entries()) {
    const before = inOrder[index]?.counter ?? counter
    for (let hit = before + 1; hit <= counter; hit++) {
      const at = countedAt.get(hit)
      if (at === undefined) continue
      for (const arrival of arrivals) {
        const delay = Math.min(longest, Math.max(0, Math.round(arrival - at)))
        counts[delay] = (counts[delay] ?? 0) + 1
      }
    }
  }
  const arrived = whole.reduce((sum, { arrivals }) => sum + arrivals.length, 0)
  return {
    p50Ms: percentileOfCounts(counts, 50),
    p95Ms: percentileOfCounts(counts, 95),
    delivered: arrived / (whole.length * dashboards),
  }
}

/** `counts` says how often each whole number was seen. NaN when none was. */
function percentileOfCounts(counts: Uint32Array, percent: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const wanted = (percent / 100) * total
  let seen = 0
  for (const [figure, count] of counts.entries()) {
    seen += count
    if (count > 0 && seen >= wanted) return figure
  }
  return Number.NaN
}
