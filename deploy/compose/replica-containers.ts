import { z } from 'zod'
import { attemptDocker, compose, DockerFailed, docker, isGone } from './docker.ts'

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
const port = 3000
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
          .map(({ IPAddress }) => `${IPAddress}:${port}`),
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
      const ids = (await compose('ps', '--all', '--quiet', 'web')).split('\n').filter(Boolean)
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
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [[ $status == 200 ]]`
  return (await attemptDocker(['exec', id, 'timeout', '5', 'bash', '-c', script])).status === 0
}

/**
 * The answer of a replica to `GET path`, read in its container, and so independent of HTTP_PORT, HTTPS and proxies.
 * @throws DockerFailed if the replica does not answer 200
 */
export async function readInReplica({ id, name }: ReplicaContainer, path: string): Promise<unknown> {
  const script = `fetch('http://127.0.0.1:${port}${path}', { signal: AbortSignal.timeout(${answerTimeoutMs}) }).then(async answer => {
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
