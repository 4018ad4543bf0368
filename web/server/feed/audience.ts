import type { ServerResponse } from 'node:http'
import type { EventCoding, LiveEvent } from './event-coding.ts'

/**
 * ms in which a client must take what it was sent. One that does not is cut: a dashboard reconnects by itself. By then the
 * kernels and NGINX hold all that they take for it, so what it would read is old.
 */
const patienceMs = 10_000
/** Streams written to in one turn of the event loop, about 2 ms: page views must not wait until thousands are told. */
const turn = 100

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
      if (index % turn === turn - 1) await new Promise(setImmediate)
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
    if (this.#now() - since >= patienceMs) stream.destroy()
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
