import { z } from 'zod'
import { compose, docker } from './docker.ts'

/** What a replica would be made of if it were started now. */
export type Version = { image: string; configHash: string }

const project = z.looseObject({ services: z.looseObject({ web: z.looseObject({ image: z.string() }) }) })

/** @throws DockerFailed */
export async function newestVersion(): Promise<Version> {
  const { services } = project.parse(JSON.parse(await compose('config', '--format', 'json')))
  const image = await docker(['image', 'inspect', '--format', '{{.Id}}', services.web.image])
  const [, configHash = ''] = (await compose('config', '--hash', 'web')).trim().split(' ')
  return { image: image.trim(), configHash }
}
