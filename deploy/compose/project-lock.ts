import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { attemptDocker, DockerFailed, docker } from './docker.ts'

// One command at a time changes a compose project's replicas. The lock is a container whose name the engine gives once:
// so it holds for every user, every copy of this folder and every machine that works with this engine. The container
// ends when the pipe to it closes, and with it the lock, however its holder ended.

/** ms a holder that runs is waited for: a roll of many replicas takes some minutes. */
const patience = 900_000
const betweenTriesMs = 500

export type ProjectLock = {
  /**
   * `docker …`, which holds the lock as well until it ends: the command that a killed roll had just begun goes on, and
   * the next roll must not begin before it has ended. @throws DockerFailed
   */
  docker(parameters: string[]): Promise<string>
  compose(...parameters: string[]): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

type Wanted = {
  project: string
  /** an image that is there, and has `cat` */
  image: string
  /** gives up the wait */
  signal: AbortSignal
  /** called once, when another holds it */
  onWait: () => void
}

/** Waits until no other has the lock, and takes it. @throws DockerFailed */
export async function takeProjectLock(wanted: Wanted): Promise<ProjectLock> {
  const name = `${wanted.project}-roll`
  const deadline = performance.now() + patience
  for (let told = false; ; told = true) {
    const lock = await tryToTake(name, wanted.image)
    if (lock) return lock
    if (!told) wanted.onWait()
    if (performance.now() > deadline)
      throw new DockerFailed(
        `another roll has been under way for ${patience / 60_000} minutes. The container ${name} is its lock`,
      )
    // A stopped one was left by an engine that ended meanwhile; one that runs is not removed without --force.
    if (await hasEnded(name)) await attemptDocker(['rm', name])
    await pause(betweenTriesMs, undefined, { signal: wanted.signal }).catch(() => {
      throw new DockerFailed('told to stop; nothing has changed.')
    })
  }
}

async function hasEnded(name: string): Promise<boolean> {
  const { stdout } = await attemptDocker(['inspect', '--format', '{{.State.Status}}', name])
  return ['exited', 'dead'].includes(stdout.trim())
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
  const run = (parameters: string[]) => {
    if (holder.exitCode !== null || holder.signalCode !== null)
      throw new DockerFailed(`the lock was lost: the container ${name} has ended`)
    return docker(parameters, { keepsOpen: holder.stdin })
  }
  return {
    docker: async parameters => run(parameters),
    compose: async (...parameters) => run(['compose', '--ansi', 'never', ...parameters]),
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      await ended
    },
  }
}
