import { z } from 'zod'
import { attemptDocker, compose, docker } from './docker.ts'

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
async function configHashOf(name: string): Promise<string> {
  const [, hash = ''] = (await compose('config', '--hash', name)).trim().split(' ')
  return hash
}

const container = z.looseObject({
  Config: z.looseObject({ Env: z.array(z.string()), Labels: z.record(z.string(), z.string()) }),
})

/** What NGINX runs with. Null where it does not run. @throws DockerFailed */
async function readNginx() {
  const [id] = (await compose('ps', '--quiet', 'nginx')).split('\n')
  if (!id) return null
  const { status, stdout } = await attemptDocker(['inspect', '--format', '{{json .}}', id])
  if (status !== 0) return null
  const { Env, Labels } = container.parse(JSON.parse(stdout)).Config
  const environment = new Map(Env.map(line => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]))
  return { environment, configHash: Labels['com.docker.compose.config-hash'] ?? '' }
}

/** Life of the cookie that visitors get, in seconds. @throws DockerFailed */
export async function stickySecondsOfNginx(): Promise<number> {
  return Number((await readNginx())?.environment.get('STICKY_SECONDS') || 300)
}

/**
 * Where NGINX runs with other settings than those of this moment: the variables that differ, as "STICKY_SECONDS is 300
 * and not 60", or none of them where it is something else. Null where nothing differs. @throws DockerFailed
 */
export async function formerSettingsOfNginx(): Promise<string[] | null> {
  const nginx = await readNginx()
  if (!nginx || nginx.configHash === (await configHashOf('nginx'))) return null
  const { environment } = (await readProject()).services.nginx
  return Object.entries(environment)
    .map(([name, value]) => ({ name, now: nginx.environment.get(name) ?? '', next: value ?? '' }))
    .filter(({ now, next }) => now !== next)
    .map(({ name, now, next }) => `${name} is ${now || 'empty'} and not ${next || 'empty'}`)
}
