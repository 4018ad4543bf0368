import { z } from 'zod'
import { compose, docker } from './docker.ts'

/** A container of the service `web`. */
export type ReplicaContainer = {
  id: string
  name: string
  image: string
  /** of its part of docker-compose.yml, however many replicas that asks for */
  configHash: string
  /** '' where Docker has not looked yet */
  health: string
  /** how often it ended by itself and was started again */
  restarts: number
}

const inspected = z.array(
  z
    .looseObject({
      Id: z.string(),
      Name: z.string(),
      Image: z.string(),
      Config: z.looseObject({ Labels: z.record(z.string(), z.string()) }),
      State: z.looseObject({ Health: z.looseObject({ Status: z.string() }).optional() }),
      RestartCount: z.number(),
    })
    .transform(
      (container): ReplicaContainer => ({
        id: container.Id,
        name: container.Name.replace(/^\//, ''),
        image: container.Image,
        configHash: container.Config.Labels['com.docker.compose.config-hash'] ?? '',
        health: container.State.Health?.Status ?? '',
        restarts: container.RestartCount,
      }),
    ),
)

/** The replicas that run, as Docker has them. @throws DockerFailed */
export async function runningReplicas(): Promise<ReplicaContainer[]> {
  const ids = (await compose('ps', '--quiet', 'web')).split('\n').filter(Boolean)
  if (ids.length === 0) return []
  return inspected.parse(JSON.parse(await docker(['inspect', ...ids])))
}
