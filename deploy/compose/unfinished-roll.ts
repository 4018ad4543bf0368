// What a roll that is cut short leaves for the next one: how many replicas there must be, and which of them it was
// replacing. It is kept as the labels of an empty volume, the one thing in Docker's engine that outlives all containers.
import { attemptDocker, docker } from './docker.ts'

export type UnfinishedRoll = {
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
