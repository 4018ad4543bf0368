// What a roll has to do: which replicas are old, how many are wanted, and what other commands asked for meanwhile.
import type { Version } from './project.ts'
import type { UnfinishedRoll } from './unfinished-roll.ts'

type Numbered = { id: string; number: number }
type Replica = Version & Numbered & { running: boolean }

type RollPlan<R> = {
  /** how many must serve at the end */
  wanted: number
  /** they do not run: to be removed first, or `docker compose up` would start them again */
  stopped: R[]
  /** to be stopped at the end */
  old: R[]
  /** of the newest version already: an earlier roll was cut short, or another one has just ended */
  kept: R[]
  /** how many must be started beside them */
  missing: number
}

export type Found = {
  /** what an earlier roll left */
  unfinished: UnfinishedRoll | null
  /** ids of the containers that were there when the command began, before it waited for another roll */
  atStart: string[]
}

/**
 * What is to be done so that as many replicas as before run, all new. One that was stopped counts: compose takes the
 * number of containers for what was asked for. Where all are of the newest version, those that were there at the start
 * are replaced: that is a restart without a gap.
 */
export function planRoll<R extends Replica>(
  replicas: R[],
  newest: Version,
  { unfinished, atStart }: Found,
): RollPlan<R> {
  // Where none of the containers of then is left, that roll was followed by something else.
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
 * How many replicas another command asked for, if one has scaled since `before`; else null. `old`: ids of the containers
 * that the roll replaces.
 */
export function askedMeanwhile(before: Numbered[], now: Numbered[], old: string[] = []): number | null {
  return scaledTo(before, now, { ordered: 0, old })
}

type OwnStart = {
  /** how many more this roll had compose start */
  ordered: number
  old: string[]
  /** id of the container that has a name which compose was about to give; '' where all names were free */
  collidedWith: string
}

/**
 * The same after this roll had more started beside `before`. Compose looks at what is there only once: then more appear
 * than were ordered, or fewer where another command has removed some, or both commands take the same name. Where names
 * collide, what the other asked for is not known, but it is at most what is there now.
 */
export function askedWhileStarting(
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
 * Compose takes the highest numbers when it scales down, so new replicas before old ones. An old one that vanished was
 * removed by a roll, or by a newer version of compose, which without --no-recreate takes those of other settings first,
 * and replaces those that it leaves. One that vanished from among the others was removed by hand, which changes nothing.
 * What cannot be seen: a command that asks for exactly as many as are there changes nothing.
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
