import { z } from 'zod'
import { checkTrustedProxies, normaliseAddress } from '../../nginx/tls-and-proxies.ts'
import { isAdminToken } from '../../web/server/config.ts'
import { UserError } from '../../web/server/errors.ts'
import { settingDefaults } from '../../web/shared/limits.ts'
import type { Report } from '../lib/terminal.ts'
import { envFile, loadEnvironment, readEnvFile, type Variables } from '../lib/terminal.ts'
import { mostReplicas } from './database-server/server-program.ts'

/** The settings of `npm start`. .env.example describes them. */
type Settings = z.output<typeof schema>

const wholeNumber = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d+$/, { error, abort: true })
    .transform(Number)
    .pipe(z.int().min(least, { error }).max(most, { error }))
}

/** A replica accepts the same values: web/server/config.ts. */
const seconds = (least: number, most: number) => {
  const error = `a number from ${least} to ${most}`
  return z
    .string()
    .regex(/^(\d+(\.\d*)?|\.\d+)$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(least, { error }).max(most, { error }))
}

const port = wholeNumber(1, 65_535)

const address = z
  .string()
  .transform(normaliseAddress)
  .pipe(z.string({ error: 'an address of this machine' }))

const hostBeforePort = z.union([z.literal(''), address], {
  error: 'a port, or an address of this machine and a port',
})

/** 8080, or with an address as for compose: 127.0.0.1:8080, [::1]:8080 */
const portWithAddress = z
  .string()
  .regex(/^(?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):)?\d+$/, {
    error: 'a whole number from 1 to 65535',
    abort: true,
  })
  .transform(text => {
    const digits = text.lastIndexOf(':') + 1
    return { host: text.slice(0, Math.max(0, digits - 1)), port: text.slice(digits) }
  })
  .pipe(z.object({ host: hostBeforePort, port }))

/** No shell replaces ~ and $NAME here, so they would become a folder's name. */
const folder = z
  .string()
  .refine(path => !/^~|\$\{|(^|\/)\$\w+(\/|$)/.test(path), {
    error: 'a path without ~ or $NAME, which only a shell replaces',
  })
  .refine(path => !path.includes('\\'), {
    error: 'a path without a backslash: Node cannot import from it',
  })

const proxies = z
  .string()
  .transform(text => text.split(/[\s,]+/).filter(Boolean))
  .refine(areProxies, 'addresses and networks of proxies, as 10.0.0.7 or 10.1.0.0/24')

function areProxies(proxies: string[]): boolean {
  try {
    checkTrustedProxies(proxies)
    return true
  } catch {
    return false
  }
}

/** The logs that this stack writes are files, for people. With Docker a server's default is json. */
const defaultLogFormat = 'text'
/** Its value is no part of any message. */
const token = z.string().refine(isAdminToken, '16 to 256 letters, digits and ._~+/-')
const httpUrl = z.url({ protocol: /^https?$/, error: 'an http:// or https:// URL' })

const variables = z.object({
  HTTP_HOST: address.optional(),
  HTTP_PORT: portWithAddress.default({ host: '', port: 8080 }),
  REPLICAS: wholeNumber(1, mostReplicas).default(settingDefaults.replicas),
  DATA_DIR: folder.default('.data'),
  STICKY_SECONDS: wholeNumber(1, 86_400).default(settingDefaults.stickySeconds),
  SHOW_CLIENT_IPS: z.enum(['short', 'full'], 'short or full').default(settingDefaults.showClientIps),
  DRAIN_SECONDS: seconds(0, 60).default(settingDefaults.drainSeconds),
  LOG_FORMAT: z.enum(['text', 'json'], 'text or json').default(defaultLogFormat),
  NGINX_WORKERS: wholeNumber(1, 64).default(settingDefaults.nginxWorkers),
  LOG_RETENTION_DAYS: wholeNumber(1, 36_500).default(settingDefaults.logLimits.days),
  LOG_MAX_ROWS: wholeNumber(1, 1e12).default(settingDefaults.logLimits.rows),
  TRUSTED_PROXIES: proxies.default([]),
  ADMIN_TOKEN: token.optional(),
  PROMETHEUS_URL: httpUrl.optional(),
  GRAFANA_URL: httpUrl.optional(),
  ALERTMANAGER_URL: httpUrl.optional(),
})

const schema = variables
  .refine(({ HTTP_HOST, HTTP_PORT }) => !HTTP_HOST || !HTTP_PORT.host || HTTP_HOST === HTTP_PORT.host, {
    path: ['HTTP_HOST'],
    error: 'the address in HTTP_PORT, or empty',
  })
  .transform(values => ({
    host: values.HTTP_HOST ?? (values.HTTP_PORT.host || '127.0.0.1'),
    port: values.HTTP_PORT.port,
    replicas: values.REPLICAS,
    dataDir: values.DATA_DIR,
    stickySeconds: values.STICKY_SECONDS,
    showClientIps: values.SHOW_CLIENT_IPS,
    drainSeconds: values.DRAIN_SECONDS,
    logFormat: values.LOG_FORMAT,
    nginxWorkers: values.NGINX_WORKERS,
    logLimits: { days: values.LOG_RETENTION_DAYS, rows: values.LOG_MAX_ROWS },
    trustedProxies: values.TRUSTED_PROXIES,
    ...(values.ADMIN_TOKEN !== undefined && { adminToken: values.ADMIN_TOKEN }),
    monitoringUrls: {
      PROMETHEUS_URL: values.PROMETHEUS_URL ?? '',
      GRAFANA_URL: values.GRAFANA_URL ?? '',
      ALERTMANAGER_URL: values.ALERTMANAGER_URL ?? '',
    },
  }))

/** The ports of 127.0.0.1 are those that compose publishes. */
const monitoringVariables = variables.pick({ DATA_DIR: true }).extend({
  PROMETHEUS_PORT: port.optional(),
  ALERTMANAGER_PORT: port.optional(),
  RUNBOOK_URL: z.string().default('docs/operations.md'),
})

/** Variables that only the stack with Docker uses. */
const dockerVariables = [
  'COMPOSE_FILE',
  'COMPOSE_PATH_SEPARATOR',
  'COMPOSE_PROJECT_NAME',
  'HTTPS_PORT',
  'ACCESS_LOG_MB',
  'PUBLIC_HOST',
  'OUTSIDE_SUBNET',
  'OUTSIDE_GATEWAY',
  'NGINX_MEMORY',
  'IMAGE_REVISION',
  'DATABASE_PORT',
  'DATABASE_PASSWORD',
  'COMPOSE_PROFILES',
  'PROMETHEUS_PORT',
  'PROMETHEUS_RETENTION',
  'RUNBOOK_URL',
  'ALERTMANAGER_PORT',
  'GRAFANA_PORT',
]

/** Variables that the replicas read by themselves. */
const tracingVariables = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_TRACES_SAMPLER_ARG',
]

/** Variables that the launcher sets for each replica. */
const replicaVariables = [
  'HOST',
  'PORT',
  'DATABASE_URL',
  'DATABASE_PASSWORD_FILE',
  'SERVER_NAME',
  'SERVER_ADDRESS',
  'ADMIN_TOKEN_FILE',
]

/** The variables of the stack with Docker that are set. */
export function dockerSettings(environment: Variables): string[] {
  return dockerVariables.filter(name => environment[name])
}

/**
 * Sentences about variables that are set but have no effect without Docker. `ofFile` are the variables of .env: all of them are
 * meant for a stack, so every unknown name is reported. In the environment only misspelt names are reported.
 */
export function reportUnused(environment: Variables, ofFile: Variables): string[] {
  const known = [
    ...Object.keys(variables.shape),
    ...tracingVariables,
    ...dockerVariables,
    ...replicaVariables,
  ]
  const isOfDocker = (name: string) => /^(COMPOSE|DOCKER|BUILDKIT)_/.test(name)
  const docker = new Set([...dockerSettings(environment), ...Object.keys(ofFile).filter(isOfDocker)])
  const isUnknown = (name: string) => !known.includes(name) && !isOfDocker(name)
  const unknown = Object.keys(environment)
    .filter(isUnknown)
    .filter(name => name in ofFile || known.some(other => isMisspelt(name, other)))
    .filter(name => environment[name])
  const replica = replicaVariables.filter(name => environment[name])
  const reports: [string, string[]][] = [
    [
      'not used without Docker',
      [...docker].filter(name => environment[name] && !(name in monitoringVariables.shape)),
    ],
    ['not used by npm start and npm run dev, which set them for each replica', replica],
    ['unknown', unknown],
  ]
  return reports
    .filter(([, names]) => names.length > 0)
    .map(([reason, names]) => `${reason}: ${names.join(', ')}`)
}

/** Whether a letter is missing, added or wrong, or two neighbours are swapped. Short names resemble too many others. */
function isMisspelt(name: string, meant: string): boolean {
  if (meant.length < 8) return false
  const near = new Set(withoutOneLetter(meant))
  return withoutOneLetter(name).some(form => near.has(form))
}

const withoutOneLetter = (name: string) => [
  name,
  ...Array.from(name, (_, at) => name.slice(0, at) + name.slice(at + 1)),
]

/** The settings of a whole stack. An empty variable counts as not set. @throws UserError that lists every invalid variable */
export function parseSettings(environment: Variables): Settings {
  return parse(schema, environment)
}

/** The folder of the stack. A command about a running stack needs no other setting. @throws UserError */
export function parseDataDir(environment: Variables): string {
  return parse(variables.pick({ DATA_DIR: true }), environment).DATA_DIR
}

function parse<Parsed extends z.ZodType>(wanted: Parsed, environment: Variables): z.output<Parsed> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = wanted.safeParse(set)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0])
    return `    ${name} must be ${message}${name === 'ADMIN_TOKEN' ? '' : `, not "${set[name]}"`}`
  })
  throw new UserError(['invalid settings:', ...problems].join('\n'))
}

/**
 * The settings from .env and the environment, which takes precedence. Reports variables that are set but not used.
 * @throws UserError
 */
export function loadSettings(report: Report): Settings {
  const ofFile = readEnvFile(envFile)
  const environment = loadEnvironment()
  const settings = parseSettings(environment)
  for (const sentence of reportUnused(environment, ofFile)) report('settings', sentence)
  return settings
}

/**
 * The settings of `npm run monitoring`, by default from .env and the environment. Ignores all others.
 * @throws UserError
 */
export function loadMonitoringSettings(environment = loadEnvironment()) {
  const differentPorts = monitoringVariables.refine(
    ({ PROMETHEUS_PORT, ALERTMANAGER_PORT }) => !PROMETHEUS_PORT || PROMETHEUS_PORT !== ALERTMANAGER_PORT,
    { path: ['ALERTMANAGER_PORT'], error: 'another port than PROMETHEUS_PORT' },
  )
  const { DATA_DIR, RUNBOOK_URL, ...ports } = parse(differentPorts, environment)
  return { dataDir: DATA_DIR, ports, runbookUrl: RUNBOOK_URL }
}

/** The folder of the stack, from .env and the environment. Ignores all other settings. @throws UserError */
export function loadDataDir(): string {
  return parseDataDir(loadEnvironment())
}
