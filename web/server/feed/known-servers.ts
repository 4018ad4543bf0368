import type { ServerRow } from '../../shared/api.ts'

/** Addresses are used again, so there are few; against a network that never does. */
const most = 1000

/**
 * The servers this replica has seen, each as it was last: a cookie lives longer than a server that is gone is shown.
 */
export class KnownServers {
  readonly #bySrvId = new Map<string, ServerRow>()

  note(servers: ServerRow[]): void {
    for (const server of servers) {
      // In again at the end: what stands first was not seen for longest.
      this.#bySrvId.delete(server.srv_id)
      this.#bySrvId.set(server.srv_id, server)
    }
    for (const srvId of this.#bySrvId.keys()) {
      if (this.#bySrvId.size <= most) return
      this.#bySrvId.delete(srvId)
    }
  }

  find(srvId: string): ServerRow | null {
    return this.#bySrvId.get(srvId) ?? null
  }
}
