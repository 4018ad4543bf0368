// Plans a roll: which replicas are old, how many are wanted, and whether other commands have scaled meanwhile.
import type { Version } from '../project.ts'
import type { UnfinishedRoll } from '../unfinished-roll.ts'

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
