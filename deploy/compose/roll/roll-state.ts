import { waitUntil } from '../../../tools/lib/wait.ts'
import { DockerFailed, type ReplicaContainer, replicaContainers } from '../docker.ts'
import type { Version } from '../project.ts'
import {
  type ProjectLock,
  readUnfinishedRoll,
  removeUnfinishedRoll,
  type UnfinishedRoll,
  writeUnfinishedRoll,
} from '../project-lock.ts'

// The plan and the state of a roll: which replicas are old, how many are wanted, and which existed after the last step. Later
// differences are the work of another command, which the roll follows. Also updates the record for the next roll.

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

type Numbered = { id: string; number: number }
type Replica = Version & Numbered & { running: boolean }

type RollPlan<R> = {
  /** replicas that must serve at the end */
  wanted: number
  /** replicas that do not run: remove them first, or `docker compose up` would start them */
  stopped: R[]
  /** replicas to stop at the end */
  old: R[]
  /** replicas of the newest version: an earlier roll was interrupted, or another one has just ended */
  kept: R[]
  /** how many to start beside them */
  missing: number
}

export type Found = {
  /** record of an earlier, unfinished roll */
  unfinished: UnfinishedRoll | null
  /** ids of the containers at the start of the command, before it waited for another roll */
  atStart: string[]
}

/**
 * Plans how to get as many new replicas as there are now. A stopped replica counts: for compose the number of containers is the wanted
 * number. If all have the newest version, the replicas of the start are replaced: a restart without a gap.
 */
export function planRoll<R extends Replica>(
  replicas: R[],
  newest: Version,
  { unfinished, atStart }: Found,
): RollPlan<R> {
  // If none of that roll's containers is left, the record is outdated.
  const last = unfinished && replicas.some(({ id }) => isIn(unfinished.there, id)) ? unfinished : null
  const isOutdated = (replica: R) =>
    replica.image !== newest.image ||
    replica.configHash !== newest.configHash ||
    (last?.old.includes(replica.id) ?? false)
  const outdated = replicas.filter(isOutdated)
  const isRestart = outdated.length === 0
  const isOld = isRestart ? ({ id }: R) => atStart.includes(id) : isOutdated

  const running = replicas.filter(replica => replica.running)
  const kept = running.filter(replica => !isOld(replica))
  const wanted = last
    ? (scaledTo(last.there, replicas, last) ?? last.wanted)
    : Math.max(outdated.length, replicas.length - outdated.length)
  return {
    wanted,
    stopped: replicas.filter(replica => !replica.running),
    old: running.filter(isOld),
    kept,
    missing: Math.max(0, wanted - kept.length),
  }
}

/**
 * The number of replicas that another command has ordered since `before`; null if none has scaled. `old`: ids of the containers that
 * the roll replaces.
 */
export function orderedMeanwhile(before: Numbered[], now: Numbered[], old: string[] = []): number | null {
  return scaledTo(before, now, { ordered: 0, old })
}

type OwnStart = {
  /** how many this roll has ordered from compose */
  ordered: number
  old: string[]
  /** id of the container whose name compose wanted to give; '' if all names were free */
  collidedWith: string
}

/**
 * The same after this roll has ordered more replicas beside `before`. Compose reads the containers only once. So with another command
 * more appear than were ordered, or fewer if it removed some, or both commands give the same name. After such a collision the other
 * command's number is unknown, but at most the current number.
 */
export function orderedWhileStarting(
  before: Numbered[],
  now: Numbered[],
  { ordered, old, collidedWith }: OwnStart,
): number | null {
  const appeared = now.filter(({ id }) => !isIn(before, id))
  const collided = appeared.some(({ id }) => id === collidedWith)
  const removed = collidedWith === '' && appeared.length < ordered
  return collided || removed ? now.length : scaledTo(before, now, { ordered, old })
}

/**
 * Compose removes the highest numbers when it scales down, so new replicas before old ones. If an old replica is gone, a roll or a
 * newer version of compose has removed it: without --no-recreate that removes replicas with other settings first and replaces the
 * rest. If a replica between others is gone, a person has removed it, which changes nothing. A command that orders exactly the current
 * number changes nothing and cannot be noticed.
 */
function scaledTo(
  before: Numbered[],
  now: Numbered[],
  { ordered, old }: { ordered: number; old: string[] },
): number | null {
  const appeared = now.filter(({ id }) => !isIn(before, id))
  const gone = before.filter(({ id }) => !isIn(now, id) && !old.includes(id))
  const highest = Math.max(0, ...now.map(({ number }) => number))
  const scaledUp = appeared.length > ordered
  const scaledDown = gone.length > 0 && gone.every(({ number }) => number > highest)
  return scaledUp || scaledDown ? now.length : null
}

function isIn(list: { id: string }[], id: string): boolean {
  return list.some(replica => replica.id === id)
}
