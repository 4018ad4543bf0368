import { readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../web/server/errors.ts'
import { settingDefaults } from '../../web/shared/limits.ts'
import { attemptDocker, compose, docker, lines, root } from './docker.ts'

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
const started = container.extend({
  State: z.looseObject({ StartedAt: z.string() }),
  Mounts: z.array(z.looseObject({ Type: z.string(), Source: z.string(), Destination: z.string() })),
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

/** NGINX reads a renewed certificate with a reload. */
const certificates = '/etc/nginx/certificates'

/**
 * The files of this machine that running services were started with and that have changed since, by service. Compose compares paths
 * and no contents, so `docker compose up -d` applies no change of a mounted file.
 * @throws DockerFailed
 */
export async function changedFiles(): Promise<Map<string, string[]>> {
  const ids = lines(await compose('ps', '--quiet'))
  const { status, stdout } = await attemptDocker(['inspect', ...ids])
  const changed = new Map<string, string[]>()
  // Another command has just removed one of them.
  if (status !== 0) return changed
  for (const { Config, State, Mounts } of z.array(started).parse(JSON.parse(stdout))) {
    const folders = Mounts.filter(({ Type, Destination }) => Type === 'bind' && Destination !== certificates)
    const files = await Promise.all(
      folders.map(({ Source }) => changedSince(Source, Date.parse(State.StartedAt))),
    )
    const names = files.flat().map(file => (file.startsWith(`${root}/`) ? relative(root, file) : file))
    const service = Config.Labels['com.docker.compose.service'] ?? ''
    if (names.length > 0) changed.set(service, names.toSorted())
  }
  return changed
}

/** Files at a path whose content, mode or name changed after `since`, in ms since 1970. A tar archive or rsync sets old times of content. */
async function changedSince(path: string, since: number): Promise<string[]> {
  try {
    const found = await stat(path)
    if (!found.isDirectory()) return found.ctimeMs > since ? [path] : []
    const entries = await readdir(path)
    return (await Promise.all(entries.map(entry => changedSince(join(path, entry), since)))).flat()
  } catch (error) {
    // It was removed, or the engine is on another machine.
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
