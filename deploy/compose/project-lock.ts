import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { attemptDocker, type DockerEnding, DockerFailed, outputOf } from './docker.ts'

// What commands that change the replicas of a compose project share: a lock, and the record of an unfinished roll.
//
// One command at a time changes the replicas. The lock is a container with a fixed name, which the engine gives only once. So it
// applies to every user, every copy of this folder and every machine that uses this engine. The container ends when the pipe to it
// closes, so the lock is released however its holder ends.
//
// The record is for the next roll. It is in the label of an empty volume, because volumes outlive all containers. A label cannot be
// changed, so two volumes take turns: the new record exists before the last one is removed, and a roll that is killed in between
// loses neither.

/** ms to wait for the holder: a roll of many replicas takes some minutes */
const timeoutMs = 900_000
const retryEveryMs = 500
/** ms after which a created container counts as abandoned: its `docker run` was killed before the start */
const startTimeoutMs = 20_000

/**
 * Runs commands that also hold the lock until they end: the last command of a killed roll goes on, and the next roll must wait for
 * it. So all commands that change something run through this.
 */
export type ProjectLock = {
  /** Runs `docker …`. @returns its ending, also after a failure. @throws DockerFailed if Docker cannot be run or the lock is lost */
  attempt(parameters: string[]): Promise<DockerEnding>
  /** Runs `docker …`. @returns its output. @throws DockerFailed */
  docker(parameters: string[]): Promise<string>
  /** Runs `docker compose …`. @returns its output. @throws DockerFailed */
  compose(...parameters: string[]): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

type LockOptions = {
  project: string
  /** a local image that has `cat` */
  image: string
  /** ends the wait */
  signal: AbortSignal
  /** called once if another command holds the lock */
  onWait: () => void
}

/** Waits until the lock is free and takes it. @throws DockerFailed */
export async function takeProjectLock({ project, image, signal, onWait }: LockOptions): Promise<ProjectLock> {
  const name = `${project}-roll`
  const deadline = performance.now() + timeoutMs
  let unstarted = { id: '', since: 0 }
  for (let waits = false; ; waits = true) {
    const lock = await tryToTake(name, image)
    if (lock) return lock
    if (!waits) onWait()
    const now = performance.now()
    if (now > deadline)
      throw new DockerFailed(
        `another roll has been under way for ${timeoutMs / 60_000} minutes. The container ${name} is its lock`,
      )
    const holder = await readHolder(name)
    const idOfUnstarted = holder?.state === 'created' ? holder.id : ''
    if (unstarted.id !== idOfUnstarted) unstarted = { id: idOfUnstarted, since: now }
    const neverStarts = unstarted.id !== '' && now - unstarted.since > startTimeoutMs
    // Left by an engine that has ended or a killed `docker run`. Without --force Docker does not remove a running container.
    if (holder && (neverStarts || ['exited', 'dead'].includes(holder.state))) {
      await attemptDocker(['rm', holder.id])
    }
    await pause(retryEveryMs, undefined, { signal }).catch(() => {
      throw new DockerFailed('stopped by a signal; nothing has changed.')
    })
  }
}

/** Returns null if the container is gone. */
async function readHolder(name: string): Promise<{ id: string; state: string } | null> {
  const { status, stdout } = await attemptDocker(['inspect', '--format', '{{.Id}} {{.State.Status}}', name])
  const [id, state] = stdout.trim().split(' ')
  return status === 0 && id && state ? { id, state } : null
}

/** Returns null if another command has the lock. */
async function tryToTake(name: string, image: string): Promise<ProjectLock | null> {
  const limits = ['--network', 'none', '--read-only', '--cap-drop', 'ALL', '--memory', '32m']
  const options = ['--rm', '--interactive', '--init', ...limits, '--name', name, '--entrypoint', 'cat']
  const holder = spawn('docker', ['run', ...options, image], { stdio: 'pipe', detached: true })
  const ended = once(holder, 'close')
  let errors = ''
  holder.stderr.on('data', text => {
    errors += text
  })
  // If it cannot start, writing to it fails.
  holder.stdin.on('error', () => {})
  holder.stdin.write('held\n')
  const [first] = await Promise.race([once(holder.stdout, 'data'), ended])
  if (!(first instanceof Buffer)) {
    if (errors.includes('is already in use')) return null
    throw new DockerFailed(`docker run failed: ${errors.trim()}`)
  }
  const attempt = async (parameters: string[]) => {
    if (holder.exitCode !== null || holder.signalCode !== null)
      throw new DockerFailed(`the lock was lost: the container ${name} has ended`)
    return attemptDocker(parameters, { keepsOpen: holder.stdin })
  }
  const run = async (parameters: string[]) => outputOf(parameters, await attempt(parameters))
  return {
    attempt,
    docker: run,
    compose: (...parameters) => run(['compose', '--ansi', 'never', ...parameters]),
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      await ended
    },
  }
}

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
