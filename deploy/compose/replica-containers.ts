import { z } from 'zod'
import { attemptDocker, compose, DockerFailed, docker } from './docker.ts'

/** A container of the service `web`. */
export type ReplicaContainer = {
  id: string
  name: string
  /** compose gives each of a service's containers one; scaling down removes the highest */
  number: number
  /** made by `docker compose run` */
  isOneOff: boolean
  image: string
  /** of its part of docker-compose.yml, however many replicas that asks for */
  configHash: string
  /** running, or one that Docker starts again by itself, or paused */
  running: boolean
  /** Docker's word: running, paused, restarting, created, exited, dead */
  state: string
  /** '' where Docker has not looked yet */
  health: string
  /** how often it ended by itself and was started again */
  restarts: number
  /** of this run of it */
  startedAt: string
  /** ip:port as the board shows it, one for each network it is in */
  addresses: string[]
}

/** The port replicas listen on in their containers, see docker-compose.yml. */
const port = 3000
const statesOfRunning = ['running', 'paused', 'restarting']
/** A container can go between the list and the look at it: then both are read again, so often at most. */
const mostReadings = 10

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
 * All of the service's containers, those that stopped too, by their numbers. Not those of `docker compose run`, which
 * compose lists among them: they are somebody's work, and no replicas. @throws DockerFailed
 */
export async function replicaContainers(): Promise<ReplicaContainer[]> {
  for (let reading = 1; ; reading++) {
    const ids = (await compose('ps', '--all', '--quiet', 'web')).split('\n').filter(Boolean)
    if (ids.length === 0) return []
    const { status, stdout, stderr } = await attemptDocker(['inspect', ...ids])
    if (status === 0) {
      const containers = inspected.parse(JSON.parse(stdout)).filter(({ isOneOff }) => !isOneOff)
      return containers.toSorted((a, b) => a.number - b.number)
    }
    if (reading === mostReadings || !/no such/i.test(stderr))
      throw new DockerFailed(`docker inspect failed: ${stderr.trim()}`)
  }
}

/** The replicas that run, as Docker has them. @throws DockerFailed */
export async function runningReplicas(): Promise<ReplicaContainer[]> {
  return (await replicaContainers()).filter(({ running }) => running)
}

export function isHealthy({ state, health }: ReplicaContainer): boolean {
  return state === 'running' && health === 'healthy'
}

/** The replicas that serve: Docker found them well at its last look, and they answer now. @throws DockerFailed */
export async function servingReplicas(): Promise<ReplicaContainer[]> {
  const healthy = (await replicaContainers()).filter(isHealthy)
  const answers = await Promise.all(healthy.map(answersNow))
  return healthy.filter((_, index) => answers[index])
}

/** The question that compose's health check asks. */
async function answersNow({ id }: ReplicaContainer): Promise<boolean> {
  const question = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [[ $status == 200 ]]`
  return (await attemptDocker(['exec', id, 'timeout', '5', 'bash', '-c', question])).status === 0
}

/**
 * What /api/audit of the compose stack answers, asked from inside a replica: so it is independent of HTTP_PORT, HTTPS and
 * proxies. @throws DockerFailed where no replica runs, or none answers as it should
 */
export async function readAuditInContainer(): Promise<unknown> {
  const replicas = await runningReplicas()
  const replica = replicas.find(isHealthy) ?? replicas[0]
  if (!replica) throw new DockerFailed('no replica runs')
  const script = `fetch('http://127.0.0.1:3000/api/audit').then(async answer => {
    process.stdout.write(await answer.text())
    process.exitCode = answer.ok ? 0 : 3
  })`
  return JSON.parse(await docker(['exec', replica.id, 'node', '-e', script]))
}
