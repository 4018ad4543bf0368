import { z } from 'zod'
import { compose, docker } from './docker.ts'

/** What a replica would be made of if it were started now. */
export type Version = { image: string; configHash: string }

const service = z.looseObject({
  environment: z.record(z.string(), z.string().nullable()).default({}),
})
const project = z.looseObject({
  name: z.string(),
  services: z.looseObject({ web: service.extend({ image: z.string() }), nginx: service }),
})

/** The project as docker-compose.yml and the settings of this moment say it. @throws DockerFailed */
export async function readProject() {
  return project.parse(JSON.parse(await compose('config', '--format', 'json')))
}

/** @throws DockerFailed */
export async function newestVersion(): Promise<Version> {
  const { services } = await readProject()
  const image = await docker(['image', 'inspect', '--format', '{{.Id}}', services.web.image])
  return { image: image.trim(), configHash: await configHashOf('web') }
}

/** Of a service as it would be started now: compose replaces a container that has another. @throws DockerFailed */
export async function configHashOf(name: string): Promise<string> {
  const [, hash = ''] = (await compose('config', '--hash', name)).trim().split(' ')
  return hash
}
