import { z } from 'zod'
import { settingDefaults } from '../../web/shared/limits.ts'
import { attemptDocker, compose, docker } from './docker.ts'

/** The version of a replica: its image, and the hash of its configuration. */
export type Version = { image: string; configHash: string }

const service = z.looseObject({
  environment: z.record(z.string(), z.string().nullable()).default({}),
})
const project = z.looseObject({
  name: z.string(),
  services: z.looseObject({ web: service.extend({ image: z.string() }), nginx: service }),
})

/** The project according to docker-compose.yml and the current settings. @throws DockerFailed */
export async function readProject() {
  return project.parse(JSON.parse(await compose('config', '--format', 'json')))
}

/** The version that a replica would have if it were started now. @throws DockerFailed */
export async function newestVersion(): Promise<Version> {
  const { services } = await readProject()
  const image = await docker(['image', 'inspect', '--format', '{{.Id}}', services.web.image])
  return { image: image.trim(), configHash: await configHashOf('web') }
}

/** The hash of a service's current configuration. Compose replaces containers with another hash. @throws DockerFailed */
async function configHashOf(name: string): Promise<string> {
  const [, hash = ''] = (await compose('config', '--hash', name)).trim().split(' ')
  return hash
}

const container = z.looseObject({
  Config: z.looseObject({ Env: z.array(z.string()), Labels: z.record(z.string(), z.string()) }),
})

/** The configuration of the running NGINX; null if it does not run. @throws DockerFailed */
async function readNginx() {
  const [id] = (await compose('ps', '--quiet', 'nginx')).split('\n')
  if (!id) return null
  const { status, stdout } = await attemptDocker(['inspect', '--format', '{{json .}}', id])
  if (status !== 0) return null
  const { Env, Labels } = container.parse(JSON.parse(stdout)).Config
  const environment = new Map(Env.map(line => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]))
  return { environment, configHash: Labels['com.docker.compose.config-hash'] ?? '' }
}

/** Lifetime in seconds of the cookie that the running NGINX sets. @throws DockerFailed */
export async function stickySecondsOfNginx(): Promise<number> {
  return Number((await readNginx())?.environment.get('STICKY_SECONDS') || settingDefaults.stickySeconds)
}

/**
 * The settings of the running NGINX that differ from the current ones, as "STICKY_SECONDS is 300 and not 60". Empty if something else
 * differs; null if nothing differs.
 * @throws DockerFailed
 */
export async function outdatedSettingsOfNginx(): Promise<string[] | null> {
  const nginx = await readNginx()
  if (!nginx || nginx.configHash === (await configHashOf('nginx'))) return null
  const { environment } = (await readProject()).services.nginx
  return Object.entries(environment)
    .map(([name, value]) => ({ name, running: nginx.environment.get(name) ?? '', wanted: value ?? '' }))
    .filter(({ running, wanted }) => running !== wanted)
    .map(({ name, running, wanted }) => `${name} is ${running || 'empty'} and not ${wanted || 'empty'}`)
}
