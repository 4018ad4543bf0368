// What a roll that is cut short leaves for the next one: how many replicas there must be, and which of them it was
// replacing. It is kept as the labels of an empty volume, the one thing in Docker's engine that outlives all containers.

import { attemptDocker, docker } from './docker.ts'
import type { Version } from './project.ts'

type Replica = Version & { id: string; running: boolean }

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
  // Where none of them is left, that roll was followed by something else, or had only to say that it was done.
  const marked = unfinished && replicas.some(({ id }) => unfinished.old.includes(id)) ? unfinished : null
  const isOutdated = (replica: R) =>
    replica.image !== newest.image ||
    replica.configHash !== newest.configHash ||
    (marked?.old.includes(replica.id) ?? false)
  const outdated = replicas.filter(isOutdated)
  const isRestart = outdated.length === 0
  const isOld = isRestart ? ({ id }: R) => atStart.includes(id) : isOutdated

  const running = replicas.filter(replica => replica.running)
  const kept = running.filter(replica => !isOld(replica))
  const wanted = marked
    ? askedOf(marked, replicas.length)
    : Math.max(outdated.length, replicas.length - outdated.length)
  return {
    wanted,
    stopped: replicas.filter(replica => !replica.running),
    old: running.filter(isOld),
    kept,
    missing: Math.max(0, wanted - kept.length),
  }
}

/** A roll that is cut short leaves old and new ones at most. Where there are more, somebody asked for more since. */
function askedOf({ wanted, old }: UnfinishedRoll, there: number): number {
  return there > wanted + old.length ? there : wanted
}

/**
 * How many replicas another command asked for, if one has scaled since `known` was read; else null. Compose takes the
 * highest numbers when it scales down: one that vanished from among the others was removed by hand, which changes
 * nothing.
 */
export function askedMeanwhile(
  known: { id: string; number: number }[],
  now: { id: string; number: number }[],
): number | null {
  const isIn = (list: { id: string }[], id: string) => list.some(replica => replica.id === id)
  const gone = known.filter(({ id }) => !isIn(now, id))
  const highest = Math.max(0, ...now.map(({ number }) => number))
  const scaledUp = now.some(({ id }) => !isIn(known, id))
  const scaledDown = gone.length > 0 && gone.every(({ number }) => number > highest)
  return scaledUp || scaledDown ? now.length : null
}

type UnfinishedRoll = {
  /** how many replicas there must be at the end */
  wanted: number
  /** ids of the containers to replace */
  old: string[]
}

const nameOf = (project: string) => `${project}-unfinished-roll`

/** @returns null where the last roll came to its end */
export async function readUnfinishedRoll(project: string): Promise<UnfinishedRoll | null> {
  const format = '{{index .Labels "wanted"}} {{index .Labels "old"}}'
  const { status, stdout } = await attemptDocker(['volume', 'inspect', '--format', format, nameOf(project)])
  const [, wanted, old] = /^([1-9]\d*) ([0-9a-f,]*)$/.exec(stdout.trim()) ?? []
  if (status !== 0 || wanted === undefined || old === undefined) return null
  return { wanted: Number(wanted), old: old.split(',') }
}

/** @throws DockerFailed */
export async function writeUnfinishedRoll(project: string, { wanted, old }: UnfinishedRoll): Promise<void> {
  await removeUnfinishedRoll(project)
  const labels = ['--label', `wanted=${wanted}`, '--label', `old=${old.join(',')}`]
  await docker(['volume', 'create', ...labels, nameOf(project)])
}

/** @throws DockerFailed */
export async function removeUnfinishedRoll(project: string): Promise<void> {
  await docker(['volume', 'rm', '--force', nameOf(project)])
}
