// What is done to the stack with Docker beside `docker compose`. `npm run roll` starts in `roll.ts`, and the service `secrets`
// in `make-secrets.ts`. `npm run audit`, `drain` and `studio` (tools/launcher) call `replica-containers.ts`, `drain.ts` and
// `database.ts` for this stack. All of them run Docker's own command line through this module, and read what it prints.
// The `*.yml` files go into COMPOSE_FILE after docker-compose.yml; `testing/` is for `*.compose-test.ts` alone.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { UserError } from '../../web/server/errors.ts'

/** To be followed by the name of a command. */
export const howToChooseProject =
  'To choose a compose project, set a variable: COMPOSE_PROJECT_NAME=NAME npm run'

const root = `${import.meta.dirname}/../..`

/**
 * Without it a build whose parts are all known gets another image id with the containerd image store: a record of the build
 * with its time is added to the image. https://docs.docker.com/build/building/variables/#buildx_no_default_attestations
 */
const sameImageFromSameParts = { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' }

/** ms one command may take: a build on a slow machine is the longest. */
const patience = 600_000

type Options = {
  environment?: Record<string, string | undefined>
  /** the command keeps this open until it ends, also where this process ended before */
  keepsOpen?: Writable
}

/** How a command ended, and what it printed. `status`: null where a signal ended it. */
export type DockerEnding = { status: number | null; stdout: string; stderr: string }

/**
 * What `docker …` prints, run in the project's folder. Which compose project is meant, and its settings, compose reads
 * from the environment and .env as always (COMPOSE_PROJECT_NAME, HTTP_PORT …). @throws DockerFailed with Docker's words
 */
export async function docker(parameters: string[], options: Options = {}): Promise<string> {
  return outputOf(parameters, await attemptDocker(parameters, options))
}

/** @throws DockerFailed with Docker's words, where the command failed */
export function outputOf(parameters: string[], { status, stdout, stderr }: DockerEnding): string {
  if (status === 0) return stdout
  throw new DockerFailed(`docker ${parameters.join(' ')} failed: ${stderr.trim() || `exit status ${status}`}`)
}

/** `docker compose …`, as above. @throws DockerFailed */
export function compose(...parameters: string[]): Promise<string> {
  return docker(['compose', '--ansi', 'never', ...parameters])
}

/** For `catch`, where another command may have removed the container meanwhile. @throws any other error */
export function unlessGone(error: unknown): string {
  if (error instanceof DockerFailed && /no such container/i.test(error.message)) return ''
  throw error
}

/** All that a container has said, at most so many lines. @throws DockerFailed */
export async function containerLog(id: string, lines: number): Promise<string> {
  const { stdout, stderr } = await attemptDocker(['logs', '--tail', String(lines), id])
  return stdout + stderr
}

/**
 * `docker …`, however it ends. In a process group of its own: Ctrl-C in a terminal is for the program that runs Docker,
 * which ends it in order. @throws DockerFailed where it cannot be run
 */
export async function attemptDocker(
  parameters: string[],
  { environment, keepsOpen }: Options = {},
): Promise<DockerEnding> {
  const command = spawn('docker', parameters, {
    cwd: root,
    env: { ...sameImageFromSameParts, ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', ...(keepsOpen ? [keepsOpen] : [])],
    detached: true,
    timeout: patience,
  })
  try {
    const [ending, stdout, stderr] = await Promise.all([
      once(command, 'close'),
      textOf(command.stdout),
      textOf(command.stderr),
    ])
    return { status: typeof ending[0] === 'number' ? ending[0] : null, stdout, stderr }
  } catch (error) {
    throw new DockerFailed(`docker cannot be run: ${error instanceof Error ? error.message : error}`)
  }
}

function textOf(stream: Readable | null): Promise<string> {
  return stream ? text(stream) : Promise.resolve('')
}

/** Docker could not do what it was asked; the message is for the person at the terminal. */
export class DockerFailed extends UserError {
  override readonly name = 'DockerFailed'
}
