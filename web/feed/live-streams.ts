import type { ServerResponse } from 'node:http'
import type { LiveTrouble, Snapshot, SnapshotChange } from '../answers.ts'

export type LiveEvent = ['snapshot', Snapshot] | ['change', SnapshotChange] | ['trouble', LiveTrouble]

/** Bytes that may wait for a slow client before it is let go: it reconnects by itself and starts afresh. */
const backlogLimit = 1024 * 1024

/** The dashboards connected to this replica. What is sent is serialized once, and the same bytes go to all. */
export class LiveStreams {
  readonly #streams = new Set<ServerResponse>()

  get size(): number {
    return this.#streams.size
  }

  /** Begins a stream with first events of its own. */
  add(response: ServerResponse, ...first: LiveEvent[]): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
    response.on('close', () => this.#streams.delete(response))
    response.write(Buffer.concat(first.map(encodeEvent)))
    this.#streams.add(response)
  }

  send(event: LiveEvent): void {
    const bytes = encodeEvent(event)
    for (const stream of this.#streams) {
      if (stream.writableLength > backlogLimit) stream.destroy()
      else stream.write(bytes)
    }
  }

  /** Ends all streams: dashboards reconnect elsewhere by themselves. */
  closeAll(): void {
    for (const stream of this.#streams) stream.end()
    this.#streams.clear()
  }
}

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function encodeEvent([name, data]: LiveEvent): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
