import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { attemptDocker, type DockerEnding, DockerFailed, outputOf } from './docker.ts'

// One command at a time changes a compose project's replicas. The lock is a container whose name the engine gives once:
// so it holds for every user, every copy of this folder and every machine that works with this engine. The container
// ends when the pipe to it closes, and with it the lock, however its holder ended.

/** ms a holder that runs is waited for: a roll of many replicas takes some minutes. */
const patience = 900_000
const betweenTriesMs = 500
/** ms after which a lock that was created and has not started never will: its `docker run` was killed in between. */
const startsWithin = 20_000

/**
 * Runs commands that hold the lock as well, until they end: the command that a killed roll had just begun goes on, and
 * the next roll must not begin before it has ended. So every command that changes something is run by this.
 */
export type ProjectLock = {
  /** `docker …`, however it ends. @throws DockerFailed where it cannot be run, or the lock was lost */
  attempt(parameters: string[]): Promise<DockerEnding>
  /** `docker …`: what it prints. @throws DockerFailed */
  docker(parameters: string[]): Promise<string>
  /** `docker compose …`: what it prints. @throws DockerFailed */
  compose(...parameters: string[]): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

type Request = {
  project: string
  /** an image that is there, and has `cat` */
  image: string
  /** gives up the wait */
  signal: AbortSignal
  /** called once, when another holds it */
  onWait: () => void
}

/** Waits until no other has the lock, and takes it. @throws DockerFailed */
export async function takeProjectLock({ project, image, signal, onWait }: Request): Promise<ProjectLock> {
  const name = `${project}-roll`
  const deadline = performance.now() + patience
  let unstarted = { id: '', since: 0 }
  for (let waits = false; ; waits = true) {
    const lock = await tryToTake(name, image)
    if (lock) return lock
    if (!waits) onWait()
    const now = performance.now()
    if (now > deadline)
      throw new DockerFailed(
        `another roll has been under way for ${patience / 60_000} minutes. The container ${name} is its lock`,
      )
    const holder = await readHolder(name)
    const idOfUnstarted = holder?.state === 'created' ? holder.id : ''
    if (unstarted.id !== idOfUnstarted) unstarted = { id: idOfUnstarted, since: now }
    const neverStarts = unstarted.id !== '' && now - unstarted.since > startsWithin
    // Left by an engine that ended, or by a `docker run` that was killed. Docker removes none that runs without --force.
    if (holder && (neverStarts || ['exited', 'dead'].includes(holder.state))) {
      await attemptDocker(['rm', holder.id])
    }
    await pause(betweenTriesMs, undefined, { signal }).catch(() => {
      throw new DockerFailed('told to stop; nothing has changed.')
    })
  }
}

/** Null where the container has gone meanwhile. */
async function readHolder(name: string): Promise<{ id: string; state: string } | null> {
  const { status, stdout } = await attemptDocker(['inspect', '--format', '{{.Id}} {{.State.Status}}', name])
  const [id, state] = stdout.trim().split(' ')
  return status === 0 && id && state ? { id, state } : null
}

/** Null where another has it. */
async function tryToTake(name: string, image: string): Promise<ProjectLock | null> {
  const limits = ['--network', 'none', '--read-only', '--cap-drop', 'ALL', '--memory', '32m']
  const options = ['--rm', '--interactive', '--init', ...limits, '--name', name, '--entrypoint', 'cat']
  const holder = spawn('docker', ['run', ...options, image], { stdio: 'pipe', detached: true })
  const ended = once(holder, 'close')
  const said: string[] = []
  holder.stderr.on('data', text => said.push(String(text)))
  // Where it could not begin, it reads nothing.
  holder.stdin.on('error', () => {})
  holder.stdin.write('held\n')
  const [first] = await Promise.race([once(holder.stdout, 'data'), ended])
  if (!(first instanceof Buffer)) {
    if (said.join('').includes('is already in use')) return null
    throw new DockerFailed(`docker run failed: ${said.join('').trim()}`)
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
