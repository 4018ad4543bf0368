import { waitUntil } from '../../../tools/lib/wait.ts'
import { DockerFailed } from '../docker.ts'
import type { Version } from '../project.ts'
import type { ProjectLock } from '../project-lock.ts'
import { type ReplicaContainer, replicaContainers } from '../replica-containers.ts'
import { readUnfinishedRoll, removeUnfinishedRoll, writeUnfinishedRoll } from '../unfinished-roll.ts'
import { orderedMeanwhile, orderedWhileStarting, planRoll } from './roll-plan.ts'

// The state of a roll: which replicas are old, how many are wanted, and which existed after the last step. Later differences are the
// work of another command, which the roll follows. Also updates the record for the next roll.

/** ms until another command that changes the replicas must have ended */
const quietTimeoutMs = 120_000
/** ms without a change after which the other command has ended */
const quietMs = 2000

export type Roll = {
  project: string
  lock: ProjectLock
  newest: Version
  say: (text: string) => void
}

export class RollState {
  readonly #roll: Roll
  /** ids of the containers to replace */
  readonly #old: Set<string>
  #wanted: number
  #lastSeen: ReplicaContainer[]
  /** Docker's message after the last start that met a container of the same name; '' if none did */
  #collision = ''
  /** the containers that this roll started, by id */
  readonly #startedHere = new Map<string, ReplicaContainer>()

  private constructor(roll: Roll, old: ReplicaContainer[], wanted: number, lastSeen: ReplicaContainer[]) {
    this.#roll = roll
    this.#old = new Set(old.map(({ id }) => id))
    this.#wanted = wanted
    this.#lastSeen = lastSeen
  }

  /**
   * `atStart`: ids of the containers at the start of the command.
   * @returns the state, and the containers that do not run and must be removed first
   * @throws DockerFailed
   */
  static async begin(roll: Roll, atStart: string[]) {
    const replicas = await replicaContainers()
    const unfinished = await readUnfinishedRoll(roll.project)
    const { old, stopped, wanted } = planRoll(replicas, roll.newest, { unfinished, atStart })
    const state = new RollState(roll, [...old, ...stopped], wanted, replicas)
    await state.#record(0)
    return { state, stopped }
  }

  /** Replicas that must serve at the end. */
  get wanted(): number {
    return this.#wanted
  }

  /** Why the last start could not start all; '' if it is not known. */
  get collision(): string {
    return this.#collision
  }

  isOld({ id }: ReplicaContainer): boolean {
    return this.#old.has(id)
  }

  isStartedHere({ id }: ReplicaContainer): boolean {
    return this.#startedHere.has(id)
  }

  isNewest({ image, configHash }: ReplicaContainer): boolean {
    const { newest } = this.#roll
    const hashes = [newest, ...this.#startedHere.values()].map(version => version.configHash)
    return image === newest.image && hashes.includes(configHash)
  }

  /** Reads the containers and follows another command that has scaled. @throws DockerFailed */
  async look(): Promise<ReplicaContainer[]> {
    const ordered = (now: ReplicaContainer[]) => orderedMeanwhile(this.#lastSeen, now, [...this.#old])
    const now = await readStable(ordered)
    if (this.#follow(now, ordered(now))) await this.#record(0)
    return now
  }

  /**
   * Starts `missing` more by `up`, and distinguishes them from those that another command starts meanwhile. Does nothing if the
   * containers are not those of the last `look`.
   * @throws DockerFailed
   */
  async start(missing: number, up: (total: number) => Promise<unknown>): Promise<void> {
    const before = this.#lastSeen
    await this.#record(missing)
    if (idsOf(await replicaContainers()) !== idsOf(before)) return
    this.#collision = await collisionOf(() => up(before.length + missing))
    const collidedWith = /already in use by container "([0-9a-f]+)"/.exec(this.#collision)?.[1] ?? ''
    const ordered = (now: ReplicaContainer[]) =>
      orderedWhileStarting(before, now, { ordered: missing, old: [...this.#old], collidedWith })
    const now = await readStable(ordered)
    const appeared = now.filter(({ id }) => before.every(replica => replica.id !== id))
    // If none has the hash of `config --hash`, this version of compose computes the hash of containers differently.
    const newest = appeared.filter(replica => this.isNewest(replica))
    for (const replica of newest.length > 0 ? newest : appeared) this.#startedHere.set(replica.id, replica)
    this.#follow(now, ordered(now))
    await this.#record(0)
  }

  /** Call this with the containers that the roll has removed. */
  forget(removed: ReplicaContainer[]): void {
    this.#lastSeen = this.#lastSeen.filter(({ id }) => removed.every(replica => replica.id !== id))
  }

  /** Records the wanted number for the next roll after this one has failed, unless the former state is restored. */
  async abandon(): Promise<void> {
    this.#lastSeen = await replicaContainers()
    const isAsBefore =
      this.#lastSeen.length === this.#wanted &&
      this.#lastSeen.every(replica => replica.running && this.isOld(replica))
    this.#old.clear()
    if (isAsBefore) await this.complete()
    else await this.#record(0)
  }

  /** Removes the record: the roll is finished. @throws DockerFailed */
  complete(): Promise<void> {
    return removeUnfinishedRoll(this.#roll.lock, this.#roll.project)
  }

  /**
   * Follows the order of another command. Replicas that it started with other settings are replaced too.
   * @returns whether something changed
   */
  #follow(now: ReplicaContainer[], ordered: number | null): boolean {
    const appeared = now.filter(({ id }) => this.#lastSeen.every(replica => replica.id !== id))
    const outdated = appeared.filter(replica => !this.isStartedHere(replica) && !this.isNewest(replica))
    for (const { id } of outdated) this.#old.add(id)
    this.#lastSeen = now
    if (ordered !== null && ordered !== this.#wanted) {
      this.#roll.say(`another command has scaled to ${ordered} meanwhile`)
      this.#wanted = ordered
    }
    return ordered !== null || outdated.length > 0
  }

  /** `ordered`: how many the roll is about to start. */
  #record(ordered: number): Promise<void> {
    const there = this.#lastSeen.map(({ id, number }) => ({ id, number }))
    const unfinished = { wanted: this.#wanted, old: [...this.#old], there, ordered }
    return writeUnfinishedRoll(this.#roll.lock, this.#roll.project, unfinished)
  }
}

const idsOf = (replicas: ReplicaContainer[]) => replicas.map(({ id }) => id).join()

/** Reads the containers. If another command is changing them, waits for its end. @throws DockerFailed */
async function readStable(ordered: (now: ReplicaContainer[]) => number | null): Promise<ReplicaContainer[]> {
  let last = await replicaContainers()
  if (ordered(last) === null) return last
  let since = performance.now()
  await waitUntil('no other command changes the replicas', quietTimeoutMs, async () => {
    const now = await replicaContainers()
    if (idsOf(now) !== idsOf(last)) since = performance.now()
    last = now
    return performance.now() - since > quietMs
  })
  return last
}

/**
 * Runs `up` and ignores a failure because another command takes the same name or removes a container meanwhile.
 * @returns Docker's message, or ''
 * @throws DockerFailed if `up` fails for another reason
 */
async function collisionOf(up: () => Promise<unknown>): Promise<string> {
  try {
    await up()
    return ''
  } catch (error) {
    const collision = /already in use|no such container|removal of container|marked for removal/i
    if (!(error instanceof DockerFailed && collision.test(error.message))) throw error
    return error.message
  }
}
