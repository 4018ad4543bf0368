// The old replicas of a roll drain all before the first is stopped: so a visitor who is moved is moved to a new one, and
// stays there. Where the roll gives up, they take new visitors again.
import { DrainRefused } from '../../web/server/errors.ts'
import { DockerFailed } from './docker.ts'
import { askToChange, readServers, serverIn } from './drain.ts'
import type { ProjectLock } from './project-lock.ts'
import { isHealthy, type ReplicaContainer, replicaContainers } from './replica-containers.ts'

export class OldReplicasDrain {
  readonly #lock: ProjectLock
  readonly #say: (text: string) => void
  /** when those that drain were started, by their ids: one that is started again no longer drains */
  readonly #startedAt = new Map<string, string>()

  constructor(lock: ProjectLock, say: (text: string) => void) {
    this.#lock = lock
    this.#say = say
  }

  /** Has those drain that do not yet. @throws DockerFailed where no new replica can be asked */
  async begin(old: ReplicaContainer[]): Promise<void> {
    const open = old.filter(replica => !this.#drains(replica))
    if (open.length === 0) return
    const speaker = (await replicaContainers()).find(
      replica => isHealthy(replica) && old.every(({ id }) => id !== replica.id),
    )
    if (!speaker) throw new DockerFailed('no new replica is healthy any more')
    const servers = await readServers(speaker)
    for (const container of open) {
      this.#startedAt.set(container.id, container.startedAt)
      const server = serverIn(container, servers)
      if (!server) continue
      this.#say(`draining ${container.name}, on the board ${server.name} …`)
      if (server.state === 'draining') continue
      try {
        await askToChange({ change: 'drain', name: server.name }, speaker, this.#lock.attempt)
      } catch (error) {
        if (!(error instanceof DrainRefused)) throw error
        this.#say(`${error.message}; it is stopped all the same`)
      }
    }
  }

  /** Has all of them take new visitors again. @throws DockerFailed, DrainRefused */
  async undo(): Promise<void> {
    const running = (await replicaContainers()).filter(replica => replica.running)
    const draining = running.filter(replica => this.#drains(replica))
    const speaker = running.find(isHealthy)
    if (draining.length === 0 || !speaker) return
    const servers = await readServers(speaker)
    for (const container of draining) {
      const server = serverIn(container, servers)
      if (server) await askToChange({ change: 'undrain', name: server.name }, speaker, this.#lock.attempt)
    }
  }

  #drains({ id, startedAt }: ReplicaContainer): boolean {
    return this.#startedAt.get(id) === startedAt
  }
}
