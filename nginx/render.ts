// Renders the NGINX configuration for `npm start` and the tests, from the templates that the container uses too.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSrvId } from '../web/server/identity.ts'
import { messagesPerSecond, pageViewsMax, settingDefaults } from '../web/shared/limits.ts'
import { metricsLog } from './metrics-log.ts'
import {
  checkTls,
  checkTrustedProxies,
  linkCertificate,
  listenAddress,
  type TlsSettings,
  tlsVariables,
  trustedProxyVariables,
} from './tls-and-proxies.ts'

/** A replica as NGINX knows it. */
type ReplicaReference = {
  /** ip:port, or [ip]:port */
  address: string
  /** its value in the cookie: lowercase hex md5 of the address */
  srvId: string
}

export type NginxSettings = {
  /** folder of the configuration, logs, cache and pid file; created if missing */
  directory: string
  /** address and port to listen on; an IPv6 address without brackets */
  host: string
  port: number
  /** at least one */
  replicas: ReplicaReference[]
  /** lifetime of the cookie srv_id in seconds */
  stickySeconds: number
  /** whether NGINX has `sticky`: see findNginx */
  native: boolean
  /** whether NGINX has the option `-e`: see findNginx */
  errorLogOption: boolean
  /** port of 127.0.0.1 for the number of connections: GET /status */
  statusPort: number
  /** whether NGINX has `stub_status`, which answers that: see findNginx */
  statusPage: boolean
  /** ip:port of the exporter of NGINX's log; default: no messages */
  exporter?: string | null
  /** page views in a second whose messages are all sent to the exporter; default: messagesPerSecond */
  metricsRate?: number
  /** whether requests of loopback and private addresses are limited too; default: only those of public addresses */
  limitPrivate?: boolean
  /** page views that the replicas may work on concurrently; default: pageViewsMax */
  pageViews?: number
  /** worker processes; default: settingDefaults */
  workers?: number
  /** HTTPS with HTTP/2; default: plain HTTP */
  tls?: TlsSettings
  /** addresses and networks (CIDR) of proxies whose forwarding headers NGINX trusts; default: none */
  trustedProxies?: string[]
}

export type RenderedNginx = {
  configFile: string
  /** runs NGINX in the foreground, as the same user, with the directory as its working directory */
  arguments: string[]
  accessLog: string
  errorLog: string
  /** NGINX's messages about its processes */
  processLog: string
  /** file that declares the workers' shared memory */
  sharedMemory: string
  /** file that says where the messages for the metrics go: see metrics-log.ts */
  metricsLog: string
  pidFile: string
}

// Relative to the working directory: a socket's path has at most 107 bytes (unix(7)).
const pageSocket = 'page-views.sock'

const configName = 'nginx.conf'
const errorLogName = 'error.log'

const templates = join(import.meta.dirname, 'conf')

/**
 * Writes the configuration into a folder. Removes the socket of a killed NGINX, because the next one could not bind it: so no NGINX
 * may run in the folder.
 * @throws Error if a setting is invalid; then nothing is written
 */
export async function renderNginx(settings: NginxSettings): Promise<RenderedNginx> {
  checkSettings(settings)
  if (settings.tls) await checkTls(settings.tls)
  const { directory } = settings
  const rendered = {
    configFile: join(directory, configName),
    accessLog: join(directory, 'access.log'),
    errorLog: join(directory, errorLogName),
    processLog: join(directory, 'processes.log'),
    sharedMemory: join(directory, 'shared-memory.conf'),
    metricsLog: join(directory, 'metrics-log.conf'),
    pidFile: join(directory, 'nginx.pid'),
  }
  const variables = variablesOf(settings)
  await mkdir(directory, { recursive: true })
  await rm(join(directory, pageSocket), { force: true })
  if (settings.tls) await linkCertificate(directory, settings.tls)
  for (const template of await templatesFor(settings)) {
    const text = fillTemplate(await readFile(join(templates, template), 'utf8'), variables)
    await writeFile(join(directory, template.replace(/\.template$/, '')), text)
  }
  return { ...rendered, arguments: argumentsOf(settings) }
}

/** The names of the templates that the configuration includes: one of each pair, and all others. */
async function templatesFor(settings: NginxSettings): Promise<string[]> {
  const { sticky, transport, client } = choicesOf(settings)
  const others = [
    `sticky-${sticky === 'native' ? 'legacy' : 'native'}.conf.template`,
    `transport-${transport === 'tls' ? 'plain' : 'tls'}.conf.template`,
    `client-${client === 'proxied' ? 'direct' : 'proxied'}.conf.template`,
  ]
  const names = await readdir(templates)
  return names.filter(name => name.endsWith('.template') && !others.includes(name))
}

/** Which file of each pair is included. */
function choicesOf({ native, tls, trustedProxies = [] }: NginxSettings) {
  return {
    sticky: native ? 'native' : 'legacy',
    transport: tls ? 'tls' : 'plain',
    client: trustedProxies.length > 0 ? 'proxied' : 'direct',
  }
}

function variablesOf(settings: NginxSettings): Record<string, string> {
  const { host, port, replicas, stickySeconds, native, limitPrivate = false } = settings
  const {
    tls,
    trustedProxies = [],
    pageViews = pageViewsMax,
    workers = settingDefaults.nginxWorkers,
  } = settings
  const { sticky, transport, client } = choicesOf(settings)
  const addresses = replicas.map(replica => replica.address)
  return {
    NGINX_RUN: '.',
    NGINX_ACCESS_LOG: 'access.log',
    NGINX_ERROR_LOG: errorLogName,
    NGINX_LISTEN: listenAddress(host, port),
    NGINX_PAGE_SOCKET: pageSocket,
    NGINX_RESOLVER: '127.0.0.1', // not used: replicas are given by address
    NGINX_RESOLVER_FAMILY: 'ipv6=off',
    NGINX_REPLICAS: serverLines(addresses),
    NGINX_LAST_TRY_REPLICAS: lastTryServerLines(addresses),
    NGINX_STICKY: sticky,
    NGINX_TRANSPORT: transport,
    NGINX_CLIENT: client,
    NGINX_LIMIT_PRIVATE: limitPrivate ? '1' : '0',
    NGINX_PAGE_VIEWS: String(pageViews),
    NGINX_WORKERS: String(workers),
    STICKY_SECONDS: String(stickySeconds),
    NGINX_STATUS_LISTEN: `127.0.0.1:${settings.statusPort}`,
    NGINX_STATUS: settings.statusPage ? 'stub_status;' : 'return 404;',
    NGINX_LAB_HASH: ' consistent',
    NGINX_METRICS_RATE: String(settings.metricsRate ?? messagesPerSecond),
    NGINX_METRICS_LOG: metricsLog(settings.exporter ?? null),
    ...(native ? {} : legacyStickyVariables(replicas)),
    ...(tls ? tlsVariables(host, tls) : { NGINX_STRICT_TRANSPORT: '' }),
    ...trustedProxyVariables(trustedProxies),
  }
}

/**
 * The `server` lines of an upstream. One failure takes a replica out, so that few requests meet it; but only for a second, so
 * that it is soon back.
 */
function serverLines(addresses: string[], parameters = ''): string {
  return addresses
    .map(address => `server ${address} max_fails=1 fail_timeout=1s${parameters && ` ${parameters}`};`)
    .join('\n    ')
}

/** The `server` lines for the last try: no replica is taken out. */
function lastTryServerLines(addresses: string[]): string {
  return addresses.map(address => `server ${address} max_fails=0;`).join('\n    ')
}

/** Variables of conf/sticky-legacy.conf.template: an upstream per replica, and the map from cookie to upstream. */
export function legacyStickyVariables(replicas: ReplicaReference[]): Record<string, string> {
  return {
    NGINX_BOUND_UPSTREAMS: replicas.map((_, index) => boundUpstream(replicas, index)).join('\n\n'),
    // A regular expression: plain strings of a map ignore case, but the cookie's value is lower case.
    NGINX_BOUND_BY_COOKIE: lines(replicas, ({ srvId }, index) => `~^:${srvId}$ ${boundName(index)};`),
  }
}

function boundUpstream(replicas: ReplicaReference[], index: number): string {
  const own = replicas.filter((_, other) => other === index).map(replica => replica.address)
  const others = replicas.filter((_, other) => other !== index).map(replica => replica.address)
  const servers = [serverLines(own), serverLines(others, 'backup')].filter(Boolean).join('\n    ')
  return `upstream ${boundName(index)} {
    zone ${boundName(index)} 256k;
    least_conn;
    ${servers}
    keepalive 64;
    keepalive_timeout 60s;
}`
}

function boundName(index: number): string {
  return `page_of_${index + 1}`
}

function lines(
  replicas: ReplicaReference[],
  line: (replica: ReplicaReference, index: number) => string,
): string {
  return replicas.map(line).join('\n    ')
}

/**
 * All paths here and in the files are relative to the working directory, because a folder's path can have characters with a special
 * meaning: NGINX puts the configuration's folder before the name in `include`, and takes [, * and ? in it as a pattern. Source: https://nginx.org/en/docs/ngx_core_module.html#include
 */
function argumentsOf({ errorLogOption }: NginxSettings): string[] {
  // Without this the workers of a root NGINX run as another user, who may have no access to the folder.
  const asRoot = process.getuid?.() === 0 ? ' user root;' : ''
  const log = errorLogOption ? ['-e', errorLogName] : []
  return ['-p', '.', '-c', configName, ...log, '-g', `daemon off;${asRoot}`]
}

function checkSettings({
  host,
  replicas,
  port,
  statusPort,
  exporter = null,
  stickySeconds,
  pageViews = pageViewsMax,
  workers = settingDefaults.nginxWorkers,
  trustedProxies = [],
  tls,
}: NginxSettings): void {
  if (!/^[A-Za-z0-9.:-]+$/.test(host)) throw new Error(`${host} is not an address that NGINX can listen on`)
  if (replicas.length === 0) throw new Error('NGINX needs at least one replica')
  for (const { address, srvId } of replicas) {
    if (!isAddress(address)) throw new Error(`${address} is not ip:port`)
    if (!isSrvId(srvId)) throw new Error(`${srvId} is not a srv_id`)
  }
  if (!Number.isInteger(stickySeconds) || stickySeconds < 1)
    throw new Error(`${stickySeconds} is not a lifetime of a cookie in seconds`)
  if (!Number.isInteger(pageViews) || pageViews < 1)
    throw new Error(`${pageViews} is not a number of concurrent page views`)
  if (!Number.isInteger(workers) || workers < 1)
    throw new Error(`${workers} is not a number of worker processes`)
  checkTrustedProxies(trustedProxies)
  if (!Number.isInteger(statusPort) || statusPort < 1) throw new Error(`${statusPort} is not a port`)
  if (exporter !== null && !isAddress(exporter)) throw new Error(`${exporter} is not ip:port`)
  if (tls?.port === port) throw new Error(`HTTP and HTTPS need different ports, but both have ${port}`)
}

const isAddress = (text: string) => /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+$/.test(text)

/**
 * Replaces `${NAME}` as envsubst does in NGINX's official image: NGINX's own variables are lower case and stay.
 * @throws Error if the template names a variable that is not given
 */
export function fillTemplate(template: string, variables: Record<string, string>): string {
  return template.replace(/\$\{([A-Z][A-Z0-9_]*)\}/g, (_, name: string) => {
    const value = variables[name]
    if (value === undefined) throw new Error(`the NGINX template needs ${name}`)
    return value
  })
}
