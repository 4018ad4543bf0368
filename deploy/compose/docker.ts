// Commands for the stack with Docker beside `docker compose`. `npm run roll` starts in `roll/roll.ts`, the service `secrets` in
// `make-secrets.ts`. `npm run audit`, `drain` and `studio` (tools/launcher) use this module, `drain.ts` and `database.ts`.
// All of them run Docker's command line through this module, parse its output, and find the replicas' containers.
// The `*.yml` files extend docker-compose.yml; `testing/` serves only `*.compose-test.ts`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { reasonOf, UserError } from '../../web/server/errors.ts'

/** Needs the name of a command after it. */
export const howToChooseProject =
  'To choose a compose project, set a variable: COMPOSE_PROJECT_NAME=NAME npm run'

/** The project's folder. */
export const root = resolve(import.meta.dirname, '../..')

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

/** The lines of an output, without empty ones. */
export const lines = (printed: string) => printed.split('\n').filter(Boolean)

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
function isGone(error: unknown): boolean {
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

/** A container of the service `web`. */
export type ReplicaContainer = {
  id: string
  name: string
  /** compose numbers the containers of a service; scaling down removes the highest number */
  number: number
  /** whether `docker compose run` made it */
  isOneOff: boolean
  image: string
  /** of its service in docker-compose.yml, without the number of replicas */
  configHash: string
  /** whether it runs, is paused or is being restarted by Docker */
  running: boolean
  /** Docker's state: running, paused, restarting, created, exited, dead */
  state: string
  /** '' before Docker's first check */
  health: string
  /** how often it ended by itself and Docker restarted it */
  restarts: number
  /** start time of its current process */
  startedAt: string
  /** ip:port as on the board, one for each of its networks */
  addresses: string[]
}

/** The port on which replicas listen in their containers: see docker-compose.yml. */
const replicaPort = 3000
/** ms: an audit reads a long log */
const answerTimeoutMs = 60_000
const statesOfRunning = ['running', 'paused', 'restarting']
/** Maximum attempts to list and inspect: a container can disappear in between. */
const maxAttempts = 10

const inspected = z.array(
  z
    .looseObject({
      Id: z.string(),
      Name: z.string(),
      Image: z.string(),
      Config: z.looseObject({ Labels: z.record(z.string(), z.string()) }),
      State: z.looseObject({
        Status: z.string(),
        StartedAt: z.string(),
        Health: z.looseObject({ Status: z.string() }).optional(),
      }),
      RestartCount: z.number(),
      NetworkSettings: z.looseObject({
        Networks: z.record(z.string(), z.looseObject({ IPAddress: z.string() })),
      }),
    })
    .transform(
      (container): ReplicaContainer => ({
        id: container.Id,
        name: container.Name.replace(/^\//, ''),
        number: Number(container.Config.Labels['com.docker.compose.container-number']),
        isOneOff: container.Config.Labels['com.docker.compose.oneoff'] !== 'False',
        image: container.Image,
        configHash: container.Config.Labels['com.docker.compose.config-hash'] ?? '',
        running: statesOfRunning.includes(container.State.Status),
        state: container.State.Status,
        health: container.State.Health?.Status ?? '',
        restarts: container.RestartCount,
        startedAt: container.State.StartedAt,
        addresses: Object.values(container.NetworkSettings.Networks)
          .filter(({ IPAddress }) => IPAddress !== '')
          .map(({ IPAddress }) => `${IPAddress}:${replicaPort}`),
      }),
    ),
)

/**
 * All containers of the service, ordered by number, including stopped ones. Excludes those of `docker compose run`, which compose
 * lists too: they are not replicas.
 * @throws DockerFailed
 */
export async function replicaContainers(): Promise<ReplicaContainer[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Compose inspects each container that it lists, so it fails too.
      const ids = lines(await compose('ps', '--all', '--quiet', 'web'))
      if (ids.length === 0) return []
      const found = inspected.parse(JSON.parse(await docker(['inspect', ...ids])))
      return found.filter(({ isOneOff }) => !isOneOff).toSorted((a, b) => a.number - b.number)
    } catch (error) {
      if (attempt === maxAttempts || !isGone(error)) throw error
    }
  }
}

/** The replicas that run according to Docker. @throws DockerFailed */
export async function runningReplicas(): Promise<ReplicaContainer[]> {
  return (await replicaContainers()).filter(({ running }) => running)
}

export function isHealthy({ state, health }: ReplicaContainer): boolean {
  return state === 'running' && health === 'healthy'
}

/** The replicas that are healthy according to Docker and answer now. @throws DockerFailed */
export async function servingReplicas(): Promise<ReplicaContainer[]> {
  const healthy = (await replicaContainers()).filter(isHealthy)
  const answers = await Promise.all(healthy.map(answersNow))
  return healthy.filter((_, index) => answers[index])
}

/** Sends the same request as compose's health check. */
async function answersNow({ id }: ReplicaContainer): Promise<boolean> {
  const script = `exec 3<>/dev/tcp/127.0.0.1/${replicaPort}; printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [[ $status == 200 ]]`
  return (await attemptDocker(['exec', id, 'timeout', '5', 'bash', '-c', script])).status === 0
}

/**
 * The answer of a replica to `GET path`, read in its container, and so independent of HTTP_PORT, HTTPS and proxies.
 * @throws DockerFailed if the replica does not answer 200
 */
export async function readInReplica({ id, name }: ReplicaContainer, path: string): Promise<unknown> {
  const script = `fetch('http://127.0.0.1:${replicaPort}${path}', { signal: AbortSignal.timeout(${answerTimeoutMs}) }).then(async answer => {
    process.stdout.write(await answer.text())
    if (!answer.ok) throw Error('status ' + answer.status)
  }).catch(error => {
    console.error(error.cause?.message ?? error.message)
    process.exitCode = 3
  })`
  const { status, stdout, stderr } = await attemptDocker(['exec', id, 'node', '-e', script])
  if (status === 0) return JSON.parse(stdout)
  const reason = stderr.trim().split('\n').at(-1) || `exit status ${status}`
  throw new DockerFailed(`the server in ${name} gives no usable answer: ${reason}`)
}

/** The answer of the compose stack's /api/audit. @throws DockerFailed if no replica runs, or the replica does not answer 200 */
export async function readAuditInContainer(): Promise<unknown> {
  const replicas = await runningReplicas()
  const replica = replicas.find(isHealthy) ?? replicas[0]
  if (!replica) throw new DockerFailed('no replica runs')
  return readInReplica(replica, '/api/audit')
}
