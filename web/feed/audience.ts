import type { ServerResponse } from 'node:http'
import type { EventCoding, LiveEvent } from './event-coding.ts'

/** Bytes that may wait for a slow client before it is let go: it reconnects by itself and starts afresh. */
const backlogLimit = 1024 * 1024
/** Streams written to in one turn of the event loop, about 2 ms: page views must not wait until thousands are told. */
const turn = 100

/** Streams of one coding: each event is encoded once, and the same bytes go to all. */
export class Audience {
  readonly #coding: EventCoding
  readonly #streams = new Set<ServerResponse>()
  /** by what they tell: many who begin at the same time are told the same */
  readonly #encoded = new WeakMap<LiveEvent[1], Buffer>()

  constructor(coding: EventCoding) {
    this.#coding = coding
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
    response.write(Buffer.concat([this.#coding.start, ...first.map(event => this.#encode(event))]))
    this.#streams.add(response)
  }

  /** Resolves when all are told who were there at the start; the next event must wait for that. */
  async send(event: LiveEvent): Promise<void> {
    if (this.#streams.size === 0) return
    const bytes = this.#encode(event)
    for (const [index, stream] of [...this.#streams].entries()) {
      if (index % turn === turn - 1) await new Promise(setImmediate)
      if (!this.#streams.has(stream)) continue
      if (stream.writableLength > backlogLimit) stream.destroy()
      else stream.write(bytes)
    }
  }

  close(): void {
    for (const stream of this.#streams) stream.end()
    this.#streams.clear()
  }

  #encode(event: LiveEvent): Buffer {
    const known = this.#encoded.get(event[1])
    if (known) return known
    const bytes = this.#coding.encode(event)
    this.#encoded.set(event[1], bytes)
    return bytes
  }
}
