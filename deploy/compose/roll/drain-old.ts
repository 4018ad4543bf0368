// In a roll, all old replicas drain before the first one is stopped. So a visitor who moves goes to a new replica and stays there.
// If the roll gives up, the old replicas take new visitors again.
import { ControlRefused } from '../../../web/server/errors.ts'
import { DockerFailed, isHealthy, type ReplicaContainer, replicaContainers } from '../docker.ts'
import { readServers, requestChange, serverIn } from '../drain.ts'
import type { ProjectLock } from '../project-lock.ts'

export class OldReplicasDrain {
  readonly #lock: ProjectLock
  readonly #say: (text: string) => void
  /** start times of the draining replicas by id: a restarted replica no longer drains */
  readonly #startedAt = new Map<string, string>()

  constructor(lock: ProjectLock, say: (text: string) => void) {
    this.#lock = lock
    this.#say = say
  }

  /** Drains all of `old` that do not drain yet. @throws DockerFailed if no new replica is healthy */
  async begin(old: ReplicaContainer[]): Promise<void> {
    const open = old.filter(replica => !this.#drains(replica))
    if (open.length === 0) return
    const healthy = (await replicaContainers()).find(
      replica => isHealthy(replica) && old.every(({ id }) => id !== replica.id),
    )
    if (!healthy) throw new DockerFailed('no new replica is healthy any more')
    const servers = await readServers(healthy)
    for (const container of open) {
      this.#startedAt.set(container.id, container.startedAt)
      const server = serverIn(container, servers)
      if (!server) continue
      this.#say(`draining ${container.name}, on the board ${server.name} …`)
      if (server.state === 'draining') continue
      try {
        await requestChange({ change: 'drain', name: server.name }, healthy, this.#lock.attempt)
      } catch (error) {
        if (!(error instanceof ControlRefused)) throw error
        this.#say(`${error.message}; the roll stops it anyway`)
      }
    }
  }

  /** Ends the drain of all of them. @throws DockerFailed, ControlRefused */
  async end(): Promise<void> {
    const running = (await replicaContainers()).filter(replica => replica.running)
    const draining = running.filter(replica => this.#drains(replica))
    const healthy = running.find(isHealthy)
    if (draining.length === 0 || !healthy) return
    const servers = await readServers(healthy)
    for (const container of draining) {
      const server = serverIn(container, servers)
      if (server) await requestChange({ change: 'undrain', name: server.name }, healthy, this.#lock.attempt)
    }
  }

  #drains({ id, startedAt }: ReplicaContainer): boolean {
    return this.#startedAt.get(id) === startedAt
  }
}
