import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSrvId } from '../web/identity/srv-id.ts'
import { fillTemplate } from './fill-template.ts'
import { legacyStickyVariables } from './legacy-sticky.ts'
import type { ReplicaReference } from './replica-reference.ts'
import { serverLines } from './server-lines.ts'

export type NginxSettings = {
  /** where configuration, logs, cache and pid file are written; made if it is not there */
  directory: string
  /** address and port to listen on; an IPv6 address without brackets */
  host: string
  port: number
  /** at least one */
  replicas: ReplicaReference[]
  /** life of the cookie srv_id, in seconds */
  stickySeconds: number
  /** whether this NGINX has `sticky` itself: see findNginx */
  native: boolean
  /** limits requests of loopback and private addresses too; default: only those of public ones */
  limitPrivate?: boolean
}

export type RenderedNginx = {
  configFile: string
  /** to run NGINX in the foreground with, as whoever runs this */
  arguments: string[]
  accessLog: string
  errorLog: string
  pidFile: string
}

const templates = join(import.meta.dirname, 'conf')

/**
 * Writes a folder that NGINX runs in, from the same templates as the container's.
 * @throws before anything is written, when a setting cannot stand in a configuration
 */
export async function renderNginx(settings: NginxSettings): Promise<RenderedNginx> {
  checkSettings(settings)
  const { directory } = settings
  const rendered = {
    configFile: join(directory, 'nginx.conf'),
    accessLog: join(directory, 'access.log'),
    errorLog: join(directory, 'error.log'),
    pidFile: join(directory, 'nginx.pid'),
  }
  const variables = variablesOf(settings, rendered)
  await mkdir(directory, { recursive: true })
  for (const template of await templatesFor(settings)) {
    const text = fillTemplate(await readFile(join(templates, template), 'utf8'), variables)
    await writeFile(join(directory, template.replace(/\.template$/, '')), text)
  }
  return { ...rendered, arguments: argumentsOf(directory, rendered) }
}

async function templatesFor({ native }: NginxSettings): Promise<string[]> {
  const otherWay = `sticky-${native ? 'legacy' : 'native'}.conf.template`
  const names = await readdir(templates)
  return names.filter(name => name.endsWith('.template') && name !== otherWay)
}

function variablesOf(
  settings: NginxSettings,
  files: { accessLog: string; errorLog: string },
): Record<string, string> {
  const { directory, host, port, replicas, stickySeconds, native, limitPrivate = false } = settings
  return {
    NGINX_RUN: directory,
    NGINX_ACCESS_LOG: files.accessLog,
    NGINX_ERROR_LOG: files.errorLog,
    NGINX_LISTEN: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    NGINX_REPLICAS: serverLines(replicas.map(replica => replica.address)),
    NGINX_STICKY: native ? 'native' : 'legacy',
    NGINX_LIMIT_PRIVATE: limitPrivate ? '1' : '0',
    STICKY_SECONDS: String(stickySeconds),
    ...(native ? {} : legacyStickyVariables(replicas)),
  }
}

function argumentsOf(directory: string, files: { configFile: string; errorLog: string }): string[] {
  // Started as root, the workers would be somebody who may not be able to enter the folder.
  const asRoot = process.getuid?.() === 0 ? ' user root;' : ''
  return ['-p', directory, '-c', files.configFile, '-e', files.errorLog, '-g', `daemon off;${asRoot}`]
}

function checkSettings({ directory, host, replicas, stickySeconds }: NginxSettings): void {
  if (/["\\$\n]/.test(directory))
    throw new Error(`NGINX cannot run in ${directory}: no quote, backslash or $ may be in its name`)
  if (!/^[A-Za-z0-9.:-]+$/.test(host)) throw new Error(`${host} is no address that NGINX can listen on`)
  if (replicas.length === 0) throw new Error('NGINX needs at least one replica')
  for (const { address, srvId } of replicas) {
    if (!/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+$/.test(address))
      throw new Error(`${address} is not ip:port`)
    if (!isSrvId(srvId)) throw new Error(`${srvId} is not a srv_id`)
  }
  if (!Number.isInteger(stickySeconds) || stickySeconds < 1)
    throw new Error(`${stickySeconds} is not a number of seconds that a cookie can live`)
}
