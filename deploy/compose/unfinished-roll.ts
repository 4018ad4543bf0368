// The record of an unfinished roll, for the next roll. It is in the label of an empty volume, because volumes outlive all containers. A
// label cannot be changed, so two volumes take turns: the new record exists before the last one is removed, and a roll that is killed
// in between loses neither.
import { z } from 'zod'
import { attemptDocker } from './docker.ts'
import type { ProjectLock } from './project-lock.ts'

const unfinishedRoll = z.object({
  /** replicas that must serve at the end */
  wanted: z.number().int(),
  /** ids of the containers to replace; none if the roll has given up */
  old: z.array(z.string()),
  /** all containers at the time of the record */
  there: z.array(z.object({ id: z.string(), number: z.number() })),
  /** how many the roll was about to start */
  ordered: z.number().int(),
})
const record = unfinishedRoll.extend({ turn: z.number().int() })

export type UnfinishedRoll = z.output<typeof unfinishedRoll>

const label = 'roll'
const volumesOf = (project: string) => [`${project}-unfinished-roll`, `${project}-unfinished-roll-2`]

/** @returns null if no roll is unfinished. @throws DockerFailed if Docker cannot be run */
export async function readUnfinishedRoll(project: string): Promise<UnfinishedRoll | null> {
  const newest = await newestRecord(project)
  return newest && unfinishedRoll.parse(newest)
}

/** @throws DockerFailed */
export async function writeUnfinishedRoll(
  lock: Pick<ProjectLock, 'docker'>,
  project: string,
  roll: UnfinishedRoll,
): Promise<void> {
  const last = await newestRecord(project)
  const [volume = '', ...others] = volumesOf(project).filter(name => name !== last?.volume)
  await lock.docker(['volume', 'rm', '--force', volume])
  const text = JSON.stringify(record.parse({ ...roll, turn: (last?.turn ?? 0) + 1 }))
  await lock.docker(['volume', 'create', '--label', `${label}=${text}`, volume])
  await lock.docker(['volume', 'rm', '--force', ...(last ? [last.volume] : others)])
}

/** @throws DockerFailed */
export async function removeUnfinishedRoll(
  lock: Pick<ProjectLock, 'docker'>,
  project: string,
): Promise<void> {
  await lock.docker(['volume', 'rm', '--force', ...volumesOf(project)])
}

async function newestRecord(project: string) {
  let newest: (z.output<typeof record> & { volume: string }) | null = null
  for (const volume of volumesOf(project)) {
    const found = await readRecord(volume)
    if (found && found.turn > (newest?.turn ?? 0)) newest = { ...found, volume }
  }
  return newest
}

/** Returns null if the volume does not exist or is not from a roll. */
async function readRecord(volume: string) {
  const format = `{{index .Labels "${label}"}}`
  const { status, stdout } = await attemptDocker(['volume', 'inspect', '--format', format, volume])
  if (status !== 0) return null
  try {
    return record.parse(JSON.parse(stdout))
  } catch {
    return null
  }
}
