import { waitUntil } from '../../tools/lib/wait.ts'
import { DockerFailed } from './docker.ts'
import type { Version } from './project.ts'
import type { ProjectLock } from './project-lock.ts'
import { type ReplicaContainer, replicaContainers } from './replica-containers.ts'
import { askedMeanwhile, askedWhileStarting, planRoll } from './roll-plan.ts'
import { readUnfinishedRoll, removeUnfinishedRoll, writeUnfinishedRoll } from './unfinished-roll.ts'

// What a roll knows of a project's replicas: which are old, how many are wanted, and what was there after its last step.
// What differs later was done by another command, whose wish counts. It keeps the record for the next roll up to date.

/** ms in which another command must end that changes the replicas */
const quietPatience = 120_000
/** ms without a change after which it has ended */
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
  /** the containers that this roll started, by their ids */
  readonly #startedHere = new Map<string, ReplicaContainer>()

  private constructor(roll: Roll, old: ReplicaContainer[], wanted: number, lastSeen: ReplicaContainer[]) {
    this.#roll = roll
    this.#old = new Set(old.map(({ id }) => id))
    this.#wanted = wanted
    this.#lastSeen = lastSeen
  }

  /**
   * `atStart`: ids of the containers that were there when the command began.
   * @returns also those that do not run: to be removed first @throws DockerFailed
   */
  static async begin(roll: Roll, atStart: string[]) {
    const replicas = await replicaContainers()
    const unfinished = await readUnfinishedRoll(roll.project)
    const { old, stopped, wanted } = planRoll(replicas, roll.newest, { unfinished, atStart })
    const state = new RollState(roll, [...old, ...stopped], wanted, replicas)
    await state.#record(0)
    return { state, stopped }
  }

  /** How many replicas must serve at the end. */
  get wanted(): number {
    return this.#wanted
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

  /** Reads what is there, and follows another command that has scaled meanwhile. @throws DockerFailed */
  async look(): Promise<ReplicaContainer[]> {
    const asked = (now: ReplicaContainer[]) => askedMeanwhile(this.#lastSeen, now, [...this.#old])
    const now = await readQuietly(asked)
    if (this.#follow(now, asked(now))) await this.#record(0)
    return now
  }

  /**
   * Has `up` start `missing` more, and tells those apart that another command started in the same moment. Where what is
   * there is no longer what `look` found, it does nothing. @throws DockerFailed
   */
  async start(missing: number, up: (total: number) => Promise<unknown>): Promise<void> {
    const before = this.#lastSeen
    await this.#record(missing)
    if (idsOf(await replicaContainers()) !== idsOf(before)) return
    const collidedWith = await collisionOf(() => up(before.length + missing))
    const asked = (now: ReplicaContainer[]) =>
      askedWhileStarting(before, now, { ordered: missing, old: [...this.#old], collidedWith })
    const now = await readQuietly(asked)
    const appeared = now.filter(({ id }) => before.every(replica => replica.id !== id))
    // Where none has the hash that `config --hash` prints, this compose computes it differently for containers.
    const newest = appeared.filter(replica => this.isNewest(replica))
    for (const replica of newest.length > 0 ? newest : appeared) this.#startedHere.set(replica.id, replica)
    this.#follow(now, asked(now))
    await this.#record(0)
  }

  /** To be called with what the roll itself has removed. */
  forget(removed: ReplicaContainer[]): void {
    this.#lastSeen = this.#lastSeen.filter(({ id }) => removed.every(replica => replica.id !== id))
  }

  /** The roll has given up: the next one must know how many were wanted, unless just these are left. */
  async leave(): Promise<void> {
    this.#lastSeen = await replicaContainers()
    const isAsBefore =
      this.#lastSeen.length === this.#wanted &&
      this.#lastSeen.every(replica => replica.running && this.isOld(replica))
    this.#old.clear()
    if (isAsBefore) await this.complete()
    else await this.#record(0)
  }

  /** Nothing is left for another roll. @throws DockerFailed */
  complete(): Promise<void> {
    return removeUnfinishedRoll(this.#roll.lock, this.#roll.project)
  }

  /**
   * Takes up what another command asked for, if any has. What it started from other settings is replaced too.
   * @returns whether that changed something
   */
  #follow(now: ReplicaContainer[], asked: number | null): boolean {
    const appeared = now.filter(({ id }) => this.#lastSeen.every(replica => replica.id !== id))
    const outdated = appeared.filter(replica => !this.isStartedHere(replica) && !this.isNewest(replica))
    for (const { id } of outdated) this.#old.add(id)
    this.#lastSeen = now
    if (asked !== null && asked !== this.#wanted) {
      this.#roll.say(`another command has scaled to ${asked} meanwhile`)
      this.#wanted = asked
    }
    return asked !== null || outdated.length > 0
  }

  /** `ordered`: how many more are about to be started. */
  #record(ordered: number): Promise<void> {
    const there = this.#lastSeen.map(({ id, number }) => ({ id, number }))
    const unfinished = { wanted: this.#wanted, old: [...this.#old], there, ordered }
    return writeUnfinishedRoll(this.#roll.lock, this.#roll.project, unfinished)
  }
}

const idsOf = (replicas: ReplicaContainer[]) => replicas.map(({ id }) => id).join()

/** What is there; where another command is at work, once that has ended. @throws DockerFailed */
async function readQuietly(asked: (now: ReplicaContainer[]) => number | null): Promise<ReplicaContainer[]> {
  let last = await replicaContainers()
  if (asked(last) === null) return last
  let since = performance.now()
  await waitUntil('no other command changes the replicas', quietPatience, async () => {
    const now = await replicaContainers()
    if (idsOf(now) !== idsOf(last)) since = performance.now()
    last = now
    return performance.now() - since > quietMs
  })
  return last
}

/**
 * Another command may take the same name, or remove a container, in the same moment. @returns the id of the container that
 * has the name, or '' @throws DockerFailed where it fails for another reason
 */
async function collisionOf(up: () => Promise<unknown>): Promise<string> {
  try {
    await up()
    return ''
  } catch (error) {
    const meetsAnother = /already in use|no such container|removal of container|marked for removal/i
    if (!(error instanceof DockerFailed && meetsAnother.test(error.message))) throw error
    return /already in use by container "([0-9a-f]+)"/.exec(error.message)?.[1] ?? ''
  }
}
