// Commands for the stack with Docker beside `docker compose`. `npm run roll` starts in `roll/roll.ts`, the service `secrets` in
// `make-secrets.ts`. `npm run audit`, `drain` and `studio` (tools/launcher) use `replica-containers.ts`, `drain.ts` and
// `database.ts`. All of them run Docker's command line through this module and parse its output.
// The `*.yml` files extend docker-compose.yml; `testing/` serves only `*.compose-test.ts`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { reasonOf, UserError } from '../../web/server/errors.ts'

/** Needs the name of a command after it. */
export const howToChooseProject =
  'To choose a compose project, set a variable: COMPOSE_PROJECT_NAME=NAME npm run'

const root = `${import.meta.dirname}/../..`

/**
 * Without this a build of unchanged sources gets another image id in the containerd image store, because Docker adds a record of the
 * build with its time. https://docs.docker.com/build/building/variables/#buildx_no_default_attestations
 */
const reproducibleImages = { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' }

/** ms for one command: a build on a slow machine takes longest */
const timeoutMs = 600_000

type Options = {
  environment?: Record<string, string | undefined>
  /** the command keeps this open until it ends, even if this process ends first */
  keepsOpen?: Writable
  /** goes into the command's standard input; default: nothing */
  input?: Readable
  /** gets the command's standard output, which is not part of its ending then */
  output?: Writable
  /** ends the command */
  signal?: AbortSignal
}

/** How a command ended, and its output. `status`: null if a signal ended it. */
export type DockerEnding = { status: number | null; stdout: string; stderr: string }

/**
 * Runs `docker …` in the project's folder. Compose reads the project and its settings from the environment and .env as always
 * (COMPOSE_PROJECT_NAME, HTTP_PORT …).
 * @returns its output
 * @throws DockerFailed with Docker's message
 */
export async function docker(parameters: string[], options: Options = {}): Promise<string> {
  return outputOf(parameters, await attemptDocker(parameters, options))
}

/** @throws DockerFailed with Docker's message if the command failed */
export function outputOf(parameters: string[], { status, stdout, stderr }: DockerEnding): string {
  if (status === 0) return stdout
  throw new DockerFailed(`docker ${parameters.join(' ')} failed: ${stderr.trim() || `exit status ${status}`}`)
}

/** Runs `docker compose …`. @returns its output. @throws DockerFailed */
export function compose(...parameters: string[]): Promise<string> {
  return docker(['compose', '--ansi', 'never', ...parameters])
}

/** Whether Docker can be run and its engine answers. */
export async function engineAnswers(): Promise<boolean> {
  return attemptDocker(['version']).then(
    ({ status }) => status === 0,
    () => false,
  )
}

/** Docker's messages about a container that another command has removed or is removing */
const gone = /no such (container|object)|removal of container \S+ is already in progress|marked for removal/i

/** Whether a Docker command failed because another command has removed a container. */
export function isGone(error: unknown): boolean {
  return error instanceof DockerFailed && gone.test(error.message)
}

/** For `catch`: ignores that another command has removed the container. @throws any other error */
export function unlessGone(error: unknown): string {
  if (isGone(error)) return ''
  throw error
}

/** The last lines of a container's output. @throws DockerFailed */
export async function containerLog(id: string, lines: number): Promise<string> {
  const { stdout, stderr } = await attemptDocker(['logs', '--tail', String(lines), id])
  return stdout + stderr
}

/**
 * Runs `docker …` and returns its ending, also after a failure. It has a separate process group: Ctrl-C in a terminal reaches only
 * the program that runs Docker, which ends it in order.
 * @throws DockerFailed if Docker cannot be run
 */
export async function attemptDocker(parameters: string[], options: Options = {}): Promise<DockerEnding> {
  const { environment, keepsOpen, input, output, signal } = options
  const command = spawn('docker', parameters, {
    cwd: root,
    env: { ...reproducibleImages, ...process.env, ...environment },
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe', ...(keepsOpen ? [keepsOpen] : [])],
    detached: true,
    // A stream takes as long as its data.
    ...(input || output ? {} : { timeout: timeoutMs }),
    ...(signal && { signal }),
  })
  try {
    const [ending, stdout, stderr] = await Promise.all([
      once(command, 'close'),
      output && command.stdout ? pipeline(command.stdout, output).then(() => '') : textOf(command.stdout),
      textOf(command.stderr),
      // A command that refuses its input ends before it has read all of it.
      input && command.stdin ? pipeline(input, command.stdin).catch(() => {}) : null,
    ])
    return { status: typeof ending[0] === 'number' ? ending[0] : null, stdout, stderr }
  } catch (error) {
    signal?.throwIfAborted()
    throw new DockerFailed(`cannot run docker: ${reasonOf(error)}`)
  }
}

function textOf(stream: Readable | null): Promise<string> {
  return stream ? text(stream) : Promise.resolve('')
}

/** A Docker command failed. The message is for the user. */
export class DockerFailed extends UserError {
  override readonly name = 'DockerFailed'
}
