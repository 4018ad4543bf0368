import type { ServerResponse } from 'node:http'
import { Audience } from './audience.ts'
import { gzip, type LiveEvent, plain } from './event-coding.ts'

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
