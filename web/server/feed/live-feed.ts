import type { ServerResponse } from 'node:http'
import { constants, deflateRawSync } from 'node:zlib'
import type { LiveTrouble, Snapshot, SnapshotChange } from '../../shared/api.ts'
import type { Board } from './board.ts'

/** ms between two readings while somebody watches: one query each, so fewer than four a second. */
const tickMs = 260
/** How old a board may be that a stream begins with, in ms: while somebody watches, one that comes costs no reading. */
const firstAgeMs = 500
/** Longest silence on a stream, in ms: a dashboard that hears nothing for longer knows that it is cut off. */
const silenceMs = 2000

/** Pushes what is new on the board to every open dashboard. It reads only while somebody watches. */
export class LiveFeed {
  readonly #board: Board
  readonly #streams = new LiveStreams()
  #timer: NodeJS.Timeout | null = null
  #sentCounter = 0
  #sentGeneration = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #troubleSince: string | null = null

  constructor(board: Board) {
    this.#board = board
  }

  /** dashboards connected */
  get size(): number {
    return this.#streams.size
  }

  /**
   * Begins a stream with a full snapshot, compressed to whom `takesGzip`; while the database does not answer with the last
   * one, and says so.
   * @throws when there is none at all
   */
  async open(response: ServerResponse, takesGzip: boolean): Promise<void> {
    try {
      await this.#board.noOlderThan(firstAgeMs)
      this.#troubleSince = null
    } catch (error) {
      if (!this.#board.latest) throw error
      this.#noteTrouble()
    }
    // The latest one, not the one awaited: nothing that was sent meanwhile may be missing from it.
    const snapshot = this.#board.latest
    if (response.destroyed || !snapshot) return
    this.#streams.add(response, takesGzip, ['snapshot', snapshot], ...this.#trouble())
    this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#streams.closeAll()
  }

  async #tick(): Promise<void> {
    const startedAt = performance.now()
    try {
      const snapshot = await this.#board.refresh()
      const isNews = snapshot.counter !== this.#sentCounter || this.#troubleSince !== null
      this.#troubleSince = null
      if (isNews || this.#isSilent()) await this.#sendChange(snapshot)
    } catch {
      this.#noteTrouble()
      if (this.#isSilent()) for (const event of this.#trouble()) await this.#send(event)
    }
    const pause = Math.max(0, tickMs - (performance.now() - startedAt))
    this.#timer = this.#streams.size > 0 ? setTimeout(() => this.#tick(), pause) : null
  }

  async #sendChange(snapshot: Snapshot): Promise<void> {
    if (this.#sentGeneration !== this.#board.generation) {
      this.#sentGeneration = this.#board.generation
      this.#sentCounter = snapshot.counter
      // All of it: a dashboard must not keep rows of a log that is no more.
      return this.#send(['snapshot', snapshot])
    }
    const log = snapshot.log.filter(row => row.id > this.#sentCounter)
    this.#sentCounter = snapshot.counter
    await this.#send(['change', { ...snapshot, log }])
  }

  #noteTrouble(): void {
    this.#troubleSince ??= this.#board.latest?.at ?? new Date().toISOString()
  }

  /** What is to be told of it, if there is any. */
  #trouble(): LiveEvent[] {
    return this.#troubleSince === null ? [] : [['trouble', { since: this.#troubleSince }]]
  }

  async #send(event: LiveEvent): Promise<void> {
    this.#sentAt = performance.now()
    const snapshot = this.#board.latest
    await this.#streams.send(event, snapshot ? [['snapshot', snapshot], ...this.#trouble()] : [event])
  }

  #isSilent(): boolean {
    return performance.now() - this.#sentAt >= silenceMs - tickMs
  }
}

/** The dashboards connected to this replica. */
export class LiveStreams {
  readonly #plain = new Audience(plain)
  readonly #gzip = new Audience(gzip)

  get size(): number {
    return this.#plain.size + this.#gzip.size
  }

  /** Begins a stream with first events of its own. */
  add(response: ServerResponse, takesGzip: boolean, ...first: LiveEvent[]): void {
    const audience = takesGzip ? this.#gzip : this.#plain
    audience.add(response, first)
  }

  /** Resolves when all are told; the next event must wait for that. `whole` is for those that missed events. */
  async send(event: LiveEvent, whole: LiveEvent[]): Promise<void> {
    await this.#plain.send(event, whole)
    await this.#gzip.send(event, whole)
  }

  /** Ends all streams: dashboards reconnect elsewhere by themselves. */
  closeAll(): void {
    this.#plain.close()
    this.#gzip.close()
  }
}

/**
 * ms in which a client must take what it was sent. One that does not is cut: a dashboard reconnects by itself. By then the
 * kernels and NGINX hold all that they take for it, so what it would read is old.
 */
const slowClientMs = 10_000
/** Streams written to in one turn of the event loop, about 2 ms: page views must not wait until thousands are told. */
const streamsPerTurn = 100

/** Streams of one coding: each event is encoded once, and the same bytes go to all. */
export class Audience {
  readonly #coding: EventCoding
  readonly #now: () => number
  /** each with the time since which it has not taken all that it was sent; null = it has */
  readonly #streams = new Map<ServerResponse, number | null>()
  /** by what they tell: many who begin at the same time are told the same */
  readonly #encoded = new WeakMap<LiveEvent[1], Buffer>()

  /** `now` is a steady clock, in ms */
  constructor(coding: EventCoding, now = () => performance.now()) {
    this.#coding = coding
    this.#now = now
  }

  get size(): number {
    return this.#streams.size
  }

  add(response: ServerResponse, first: LiveEvent[]): void {
    if (this.#coding.name) response.setHeader('Content-Encoding', this.#coding.name)
    // It ends with its connection: so an event is one piece, which neither this process nor NGINX frames for each stream.
    response.removeHeader('Transfer-Encoding')
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      Connection: 'close',
      Vary: 'Accept-Encoding',
      'X-Accel-Buffering': 'no',
    })
    response.on('close', () => this.#streams.delete(response))
    response.write(Buffer.concat([this.#coding.start, this.#encodeAll(first)]))
    this.#streams.set(response, null)
  }

  /**
   * Resolves when all are told who were there at the start; the next event must wait for that. A client that has not taken the
   * last event misses this one, so nothing piles up for it. Once it has, it gets `whole`, the board as it is then.
   */
  async send(event: LiveEvent, whole: LiveEvent[]): Promise<void> {
    if (this.#streams.size === 0) return
    const bytes = this.#encode(event)
    for (const [index, stream] of [...this.#streams.keys()].entries()) {
      if (index % streamsPerTurn === streamsPerTurn - 1) await new Promise(setImmediate)
      const slowSince = this.#streams.get(stream)
      // It left meanwhile.
      if (slowSince === undefined) continue
      if (stream.writableLength > 0) this.#waitFor(stream, slowSince)
      else {
        stream.write(slowSince === null ? bytes : this.#encodeAll(whole))
        this.#streams.set(stream, null)
      }
    }
  }

  close(): void {
    for (const stream of this.#streams.keys()) stream.end()
    this.#streams.clear()
  }

  #waitFor(stream: ServerResponse, slowSince: number | null): void {
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

export type LiveEvent = ['snapshot', Snapshot] | ['change', SnapshotChange] | ['trouble', LiveTrouble]

/** How a stream's events become its bytes. An event's are the same for every stream, whenever that began. */
type EventCoding = {
  /** null = as it is */
  name: 'gzip' | null
  /** what a stream begins with */
  start: Buffer
  encode(event: LiveEvent): Buffer
}

export const plain: EventCoding = { name: null, start: Buffer.alloc(0), encode: eventText }

/**
 * One gzip member that never ends: each event is blocks of its own, which refer to none before them and end at a byte.
 * So an event is compressed once, not for each stream. Source: https://www.rfc-editor.org/rfc/rfc1952#page-5
 */
const gzip: EventCoding = {
  name: 'gzip',
  start: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]),
  encode: event => deflateRawSync(eventText(event), { finishFlush: constants.Z_SYNC_FLUSH }),
}

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function eventText([name, data]: LiveEvent): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
