// The live feed: pushes the board to the dashboards that are connected to `/api/live` (web/server/replica/routes.ts).
// It reads the board (board.ts, web/server/db/board.ts) every 260 ms while at least one dashboard is connected, encodes
// each change once, and writes the same bytes to every stream.

import type { ServerResponse } from 'node:http'
import { constants, deflateRawSync } from 'node:zlib'
import type { LiveOutage, Snapshot, SnapshotChange } from '../../shared/api.ts'
import { liveKeepAliveMs } from '../../shared/limits.ts'
import { shownState } from '../../shared/shown-state.ts'
import type { Board } from './board.ts'

/** ms between two readings while a dashboard watches: one query each, fewer than four per second. */
const tickMs = 260
/** Maximum age in ms of the board that a stream starts with: while others watch, a new stream costs no reading. */
const firstAgeMs = 500

/** Pushes changes of the board to every open dashboard. Reads only while a dashboard watches. */
export class LiveFeed {
  readonly #board: Board
  readonly #streams = new LiveStreams()
  #timer: NodeJS.Timeout | null = null
  #sentCounter = 0
  #sentAlerts: Snapshot['alerts']
  #sentStates = ''
  #sentGeneration = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #outageSince: string | null = null
  #ticks = 0

  constructor(board: Board) {
    this.#board = board
  }

  /** connected dashboards */
  get size(): number {
    return this.#streams.size
  }

  /** readings for the dashboards since the start */
  get ticks(): number {
    return this.#ticks
  }

  /** bytes written to dashboards since the start, as encoded */
  get sentBytes(): number {
    return this.#streams.sentBytes
  }

  /**
   * Starts a stream with a full snapshot, with gzip if `takesGzip`. While the database does not answer, it starts with the last
   * snapshot and says so.
   * @throws if there is no snapshot yet
   */
  async open(response: ServerResponse, takesGzip: boolean): Promise<void> {
    try {
      await this.#board.noOlderThan(firstAgeMs)
      this.#outageSince = null
    } catch (error) {
      if (!this.#board.latest) throw error
      this.#noteOutage()
    }
    // Use the latest snapshot, not the awaited one: it must include everything that was sent meanwhile.
    const snapshot = this.#board.latest
    if (response.destroyed || !snapshot) return
    this.#streams.add(response, takesGzip, ['snapshot', snapshot], ...this.#outageEvents())
    this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#streams.closeAll()
  }

  async #tick(): Promise<void> {
    this.#ticks++
    const startedAt = performance.now()
    try {
      const snapshot = await this.#board.refresh()
      const isNews =
        snapshot.counter !== this.#sentCounter ||
        snapshot.alerts !== this.#sentAlerts ||
        statesOf(snapshot) !== this.#sentStates ||
        this.#outageSince !== null
      this.#outageSince = null
      if (isNews || this.#isKeepAliveDue()) await this.#sendChange(snapshot)
    } catch {
      this.#noteOutage()
      if (this.#isKeepAliveDue()) for (const event of this.#outageEvents()) await this.#send(event)
    }
    const pause = Math.max(0, tickMs - (performance.now() - startedAt))
    this.#timer = this.#streams.size > 0 ? setTimeout(() => this.#tick(), pause) : null
  }

  async #sendChange(snapshot: Snapshot): Promise<void> {
    this.#sentAlerts = snapshot.alerts
    this.#sentStates = statesOf(snapshot)
    if (this.#sentGeneration !== this.#board.generation) {
      this.#sentGeneration = this.#board.generation
      this.#sentCounter = snapshot.counter
      // A full snapshot: a dashboard must not keep rows of the old log.
      return this.#send(['snapshot', snapshot])
    }
    const log = snapshot.log.filter(row => row.id > this.#sentCounter)
    this.#sentCounter = snapshot.counter
    await this.#send(['change', { ...snapshot, log }])
  }

  #noteOutage(): void {
    this.#outageSince ??= this.#board.latest?.at ?? new Date().toISOString()
  }

  #outageEvents(): LiveEvent[] {
    return this.#outageSince === null ? [] : [['trouble', { since: this.#outageSince }]]
  }

  async #send(event: LiveEvent): Promise<void> {
    this.#sentAt = performance.now()
    const snapshot = this.#board.latest
    await this.#streams.send(event, snapshot ? [['snapshot', snapshot], ...this.#outageEvents()] : [event])
  }

  #isKeepAliveDue(): boolean {
    return performance.now() - this.#sentAt >= liveKeepAliveMs - tickMs
  }
}

/** Which servers there are and in which states, as the page shows them. */
function statesOf({ servers, at }: Snapshot): string {
  return servers.map(server => `${server.id} ${server.name} ${shownState(server, at)}`).join()
}

/** The dashboards connected to this replica. */
export class LiveStreams {
  readonly #plain = new StreamGroup(plain)
  readonly #gzip = new StreamGroup(gzip)

  get size(): number {
    return this.#plain.size + this.#gzip.size
  }

  /** bytes written since the start */
  get sentBytes(): number {
    return this.#plain.sentBytes + this.#gzip.sentBytes
  }

  /** Starts a stream with these first events. */
  add(response: ServerResponse, takesGzip: boolean, ...first: LiveEvent[]): void {
    const group = takesGzip ? this.#gzip : this.#plain
    group.add(response, first)
  }

  /**
   * Resolves when the event is written to all streams: send the next one only then. `whole` is for streams that missed
   * events.
   */
  async send(event: LiveEvent, whole: LiveEvent[]): Promise<void> {
    await this.#plain.send(event, whole)
    await this.#gzip.send(event, whole)
  }

  /** Ends all streams. Dashboards reconnect elsewhere. */
  closeAll(): void {
    this.#plain.close()
    this.#gzip.close()
  }
}

/**
 * ms for a client to read what it was sent. After that it is disconnected; a dashboard reconnects. By then the buffers of the
 * kernels and NGINX are full, so what it would read is old.
 */
const slowClientMs = 10_000
/** Streams written to in one turn of the event loop, about 2 ms, so that page views need not wait for thousands of streams. */
const streamsPerTurn = 100

/** Streams with the same encoding. Each event is encoded once, and all streams get the same bytes. */
export class StreamGroup {
  readonly #coding: EventCoding
  readonly #now: () => number
  /** each with the time since when it has unread data; null if it has read everything */
  readonly #streams = new Map<ServerResponse, number | null>()
  /** encoded bytes by event data, shared by all streams */
  readonly #encoded = new WeakMap<LiveEvent[1], Buffer>()

  #sentBytes = 0

  /** `now` is a steady clock, in ms */
  constructor(coding: EventCoding, now = () => performance.now()) {
    this.#coding = coding
    this.#now = now
  }

  get size(): number {
    return this.#streams.size
  }

  /** bytes written since the start */
  get sentBytes(): number {
    return this.#sentBytes
  }

  add(response: ServerResponse, first: LiveEvent[]): void {
    if (this.#coding.name) response.setHeader('Content-Encoding', this.#coding.name)
    // The stream ends with its connection, without chunks: neither this process nor NGINX frames an event for each stream.
    response.removeHeader('Transfer-Encoding')
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      Connection: 'close',
      Vary: 'Accept-Encoding',
      'X-Accel-Buffering': 'no',
    })
    response.on('close', () => this.#streams.delete(response))
    this.#write(response, Buffer.concat([this.#coding.start, this.#encodeAll(first)]))
    this.#streams.set(response, null)
  }

  /**
   * Resolves when the event is written to all streams that were there at the start: send the next one only then. A
   * client that has not read the last event misses this one, so no backlog grows. Once it has read it, it gets `whole`,
   * the current board.
   */
  async send(event: LiveEvent, whole: LiveEvent[]): Promise<void> {
    if (this.#streams.size === 0) return
    const bytes = this.#encode(event)
    for (const [index, stream] of [...this.#streams.keys()].entries()) {
      if (index % streamsPerTurn === streamsPerTurn - 1) await new Promise(setImmediate)
      const slowSince = this.#streams.get(stream)
      // The client disconnected meanwhile.
      if (slowSince === undefined) continue
      if (stream.writableLength > 0) this.#waitForReader(stream, slowSince)
      else {
        this.#write(stream, slowSince === null ? bytes : this.#encodeAll(whole))
        this.#streams.set(stream, null)
      }
    }
  }

  close(): void {
    for (const stream of this.#streams.keys()) stream.end()
    this.#streams.clear()
  }

  #write(stream: ServerResponse, bytes: Buffer): void {
    stream.write(bytes)
    this.#sentBytes += bytes.length
  }

  #waitForReader(stream: ServerResponse, slowSince: number | null): void {
    const since = slowSince ?? this.#now()
    if (this.#now() - since >= slowClientMs) stream.destroy()
    else this.#streams.set(stream, since)
  }

  #encodeAll(events: LiveEvent[]): Buffer {
    return Buffer.concat(events.map(event => this.#encode(event)))
  }

  #encode(event: LiveEvent): Buffer {
    const known = this.#encoded.get(event[1])
    if (known) return known
    const bytes = this.#coding.encode(event)
    this.#encoded.set(event[1], bytes)
    return bytes
  }
}

export type LiveEvent = ['snapshot', Snapshot] | ['change', SnapshotChange] | ['trouble', LiveOutage]

/** How events become bytes. An event has the same bytes for every stream, whenever the stream started. */
type EventCoding = {
  /** null: not compressed */
  name: 'gzip' | null
  /** first bytes of a stream */
  start: Buffer
  encode(event: LiveEvent): Buffer
}

export const plain: EventCoding = { name: null, start: Buffer.alloc(0), encode: eventText }

/**
 * One gzip member that never ends. Each event is a sequence of deflate blocks that refer to nothing before them and end
 * at a byte boundary. So an event is compressed once for all streams. Source:
 * https://www.rfc-editor.org/rfc/rfc1952#page-5
 */
export const gzip: EventCoding = {
  name: 'gzip',
  start: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]),
  encode: event => deflateRawSync(eventText(event), { finishFlush: constants.Z_SYNC_FLUSH }),
}

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function eventText([name, data]: LiveEvent): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
