// The dashboards of a measurement: opens streams, decodes them and computes delays. As a program it is the process that
// holds dashboards open, controlled by messages from its parent:
//   node tools/bench/dashboards/arrivals.ts <url> <count>

import { createConnection } from 'node:net'
import { constants, inflateRawSync } from 'node:zlib'
import { z } from 'zod'

/** A pushed change: the counter it contains, and when it was complete at each dashboard, in ms since 1970 */
export type Tick = { counter: number; arrivals: number[] }

/** Messages to the dashboard process */
const commandSchema = z.enum(['begin', 'end'])
export type Command = z.output<typeof commandSchema>

/** Messages from it: after all dashboards are open, and after `end` */
export const reportSchema = z.union([
  z.object({ open: z.number() }),
  z.object({
    lost: z.number(),
    ticks: z.array(z.object({ counter: z.number(), arrivals: z.array(z.number()) })),
  }),
])
export type DashboardReport = z.output<typeof reportSchema>

type StreamEvents = {
  /** A change is complete. */
  onChange: (counter: number) => void
  onClose: () => void
}

/** Opens a dashboard's stream, compressed as for browsers, over HTTP/1.0 to avoid chunks. Resolves when the answer starts. */
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

/** Ends the compressed blocks of an event. Source: https://www.zlib.net/manual.html#Basic, Z_SYNC_FLUSH */
const flushMarker = Buffer.from([0, 0, 0xff, 0xff])
const headersEnd = '\r\n\r\n'
/** length of the board's gzip header in bytes */
const gzipHeader = 10

/** Counts by compressed piece: all streams get the same few pieces. */
const cachedPieces = 100
const countsOf = new Map<string, number[]>()

/**
 * Reads a compressed answer of the live feed piece by piece, without chunks. The returned function takes a piece and returns
 * the counters of the changes that it completes. A piece that 5,000 streams share is inflated once.
 */
export function changeReader(): (piece: Buffer) => number[] {
  let pending: Buffer = Buffer.alloc(0)
  let isInBody = false
  return piece => {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece])
    if (!isInBody) {
      const bodyAt = pending.indexOf(headersEnd) + headersEnd.length
      if (bodyAt < headersEnd.length || pending.length < bodyAt + gzipHeader) return []
      pending = pending.subarray(bodyAt + gzipHeader)
      isInBody = true
    }
    if (!pending.subarray(-flushMarker.length).equals(flushMarker)) return []
    const complete = pending
    pending = Buffer.alloc(0)
    return countsIn(complete)
  }
}

function countsIn(compressed: Buffer): number[] {
  const key = compressed.toString('latin1')
  const known = countsOf.get(key)
  if (known) return known
  const text = inflateRawSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1')
  const counts = [...text.matchAll(/^event: change\ndata: \{"counter":(\d+)/gm)].map(([, count]) =>
    Number(count),
  )
  if (countsOf.size === cachedPieces) countsOf.clear()
  countsOf.set(key, counts)
  return counts
}

/** Records when each change arrives at each dashboard. */
class TickRecord {
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
  /** NaN if too little arrived */
  p50Ms: number
  p95Ms: number
  /** share of the expected changes that arrived, over all dashboards */
  delivered: number
}

/** ms; longer delays count as this */
const longestDelayMs = 60_000

/**
 * Delays from hit to dashboard, for each hit at each dashboard, by the first change that includes the hit. `countedAt` has
 * the time of each hit in ms since 1970. The first change only marks where the second starts, and the last may not have
 * reached every dashboard yet, so both are left out.
 */
export function delaysOf(ticks: Tick[], countedAt: Map<number, number>, dashboards: number): Delays {
  const counts = new Uint32Array(longestDelayMs + 1)
  const inOrder = ticks.toSorted((a, b) => a.counter - b.counter)
  const whole = inOrder.slice(1, -1)
  for (const [index, { counter, arrivals }] of whole.entries()) {
    const before = inOrder[index]?.counter ?? counter
    for (let hit = before + 1; hit <= counter; hit++) {
      const at = countedAt.get(hit)
      if (at === undefined) continue
      for (const arrival of arrivals) {
        const delay = Math.min(longestDelayMs, Math.max(0, Math.round(arrival - at)))
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

/** @param counts how often each whole number occurred. @returns NaN if none did */
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

/** dashboards opened at a time */
const slice = 50

/** Opens the dashboards, reports that they are open, and records until its parent has disconnected. */
async function holdOpen(url: string, count: number): Promise<void> {
  const board = new URL(url)
  const record = new TickRecord()
  let lost = 0
  const events = {
    onChange: (counter: number) =>
      record.arrived(counter, Math.round(performance.timeOrigin + performance.now())),
    onClose: () => {
      lost++
    },
  }
  const report = (message: DashboardReport) => process.send?.(message)

  process.on('message', message => {
    if (commandSchema.parse(message) === 'begin') record.begin()
    else report({ lost, ticks: record.end() })
  })
  process.on('disconnect', () => process.exit())

  for (let open = 0; open < count; open += slice) {
    const more = Math.min(slice, count - open)
    await Promise.all(Array.from({ length: more }, () => openStream(board, events)))
  }
  report({ open: count })
}

if (import.meta.main) {
  const [url = '', count = ''] = process.argv.slice(2)
  await holdOpen(url, Number(count))
}
