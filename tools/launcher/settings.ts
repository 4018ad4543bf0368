import { z } from 'zod'
import { checkTrustedProxies, normaliseAddress } from '../../nginx/tls-and-proxies.ts'
import { UserError } from '../../web/server/errors.ts'
import { settingDefaults } from '../../web/shared/limits.ts'
import { envFile, loadEnvironment, readEnvFile, type Variables } from '../lib/environment.ts'
import type { Report } from '../lib/terminal.ts'
import { mostReplicas } from './database-server/server-program.ts'

/** What `npm start` is told from outside; the README and .env.example say the same. */
type Settings = z.output<typeof schema>

const wholeNumber = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d+$/, { error, abort: true })
    .transform(Number)
    .pipe(z.int().min(least, { error }).max(most, { error }))
}

/** A replica takes the same: web/server/config.ts. */
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
  error: 'a port with an address of this machine before it, or none',
})

/** 8080, or with an address before it as compose takes it: 127.0.0.1:8080, [::1]:8080 */
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

/** Nothing here replaces ~ and $NAME, as a shell does: there would be a folder of that name. */
const folder = z
  .string()
  .refine(path => !/^~|\$\{|(^|\/)\$\w+(\/|$)/.test(path), {
    error: 'a path without ~ or $NAME, which only a shell replaces',
  })
  // Replicas run from a copy of the build in it.
  .refine(path => !path.includes('\\'), {
    error: 'a path without a backslash, from which Node imports nothing',
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

const variables = z.object({
  HTTP_HOST: address.optional(),
  HTTP_PORT: portWithAddress.default({ host: '', port: 8080 }),
  REPLICAS: wholeNumber(1, mostReplicas).default(settingDefaults.replicas),
  DATA_DIR: folder.default('.data'),
  STICKY_SECONDS: wholeNumber(1, 86_400).default(settingDefaults.stickySeconds),
  SHOW_CLIENT_IPS: z.enum(['short', 'full'], 'short or full').default(settingDefaults.showClientIps),
  DRAIN_SECONDS: seconds(0, 60).default(settingDefaults.drainSeconds),
  NGINX_WORKERS: wholeNumber(1, 64).default(settingDefaults.nginxWorkers),
  LOG_RETENTION_DAYS: wholeNumber(1, 36_500).default(settingDefaults.logLimits.days),
  LOG_MAX_ROWS: wholeNumber(1, 1e12).default(settingDefaults.logLimits.rows),
  TRUSTED_PROXIES: proxies.default([]),
})

const schema = variables
  .refine(({ HTTP_HOST, HTTP_PORT }) => !HTTP_HOST || !HTTP_PORT.host || HTTP_HOST === HTTP_PORT.host, {
    path: ['HTTP_HOST'],
    error: 'the address before the port in HTTP_PORT, or left out',
  })
  .transform(values => ({
    host: values.HTTP_HOST ?? (values.HTTP_PORT.host || '127.0.0.1'),
    port: values.HTTP_PORT.port,
    replicas: values.REPLICAS,
    dataDir: values.DATA_DIR,
    stickySeconds: values.STICKY_SECONDS,
    showClientIps: values.SHOW_CLIENT_IPS,
    drainSeconds: values.DRAIN_SECONDS,
    nginxWorkers: values.NGINX_WORKERS,
    logLimits: { days: values.LOG_RETENTION_DAYS, rows: values.LOG_MAX_ROWS },
    trustedProxies: values.TRUSTED_PROXIES,
  }))

/** What only the stack with Docker uses; .env.example says the same. */
const dockersOwn = [
  'COMPOSE_FILE',
  'COMPOSE_PROJECT_NAME',
  'HTTPS_PORT',
  'ACCESS_LOG_MB',
  'PUBLIC_HOST',
  'OUTSIDE_SUBNET',
  'OUTSIDE_GATEWAY',
  'NGINX_MEMORY',
  'DATABASE_PORT',
  'DATABASE_PASSWORD',
]

/** What a replica reads itself, and the launcher gives each one. */
const replicasOwn = [
  'HOST',
  'PORT',
  'DATABASE_URL',
  'DATABASE_PASSWORD_FILE',
  'SERVER_NAME',
  'SERVER_ADDRESS',
]

/** The variables that are set, and mean nothing to a stack without Docker. */
export function settingsOfDocker(environment: Variables): string[] {
  return dockersOwn.filter(name => environment[name])
}

/**
 * What is set and has no effect on a stack without Docker, as sentences. `ofFile` is what .env sets. Every name there is meant
 * for a stack, so unknown names are reported. Of the environment only unknown names are that differ from a known one by a letter.
 */
export function sayUnused(environment: Variables, ofFile: Variables): string[] {
  const known = [...Object.keys(variables.shape), ...dockersOwn, ...replicasOwn]
  const isOfDocker = (name: string) => /^(COMPOSE|DOCKER|BUILDKIT)_/.test(name)
  const docker = new Set([...settingsOfDocker(environment), ...Object.keys(ofFile).filter(isOfDocker)])
  const isUnknown = (name: string) => !known.includes(name) && !isOfDocker(name)
  const unknown = Object.keys(environment)
    .filter(isUnknown)
    .filter(name => name in ofFile || known.some(other => isMisspelt(name, other)))
    .filter(name => environment[name])
  const replica = replicasOwn.filter(name => environment[name])
  const sayings: [string, string[]][] = [
    ['not used without Docker', [...docker].filter(name => environment[name])],
    ['not used by npm start and npm run dev, which give each replica its own', replica],
    ['unknown', unknown],
  ]
  return sayings
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${names.join(', ')}`)
}

/** Whether one letter is missing, too many or another one, or two neighbours are swapped. Short names are too near to others. */
function isMisspelt(name: string, meant: string): boolean {
  if (meant.length < 8) return false
  const near = new Set(withoutOneLetter(meant))
  return withoutOneLetter(name).some(form => near.has(form))
}

const withoutOneLetter = (name: string) => [
  name,
  ...Array.from(name, (_, at) => name.slice(0, at) + name.slice(at + 1)),
]

/** What a whole stack needs. An empty variable counts as not set. @throws UserError naming every one that cannot be used */
export function parseSettings(environment: Variables): Settings {
  return parse(schema, environment)
}

/** The folder of the stack, which is all that a command about a running one needs. @throws UserError */
export function parseDataDir(environment: Variables): string {
  return parse(variables.pick({ DATA_DIR: true }), environment).DATA_DIR
}

function parse<Parsed extends z.ZodType>(wanted: Parsed, environment: Variables): z.output<Parsed> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = wanted.safeParse(set)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0])
    return `    ${name} must be ${message}, not "${set[name]}"`
  })
  throw new UserError(['these settings cannot be used:', ...problems].join('\n'))
}

/**
 * The settings from the environment and, for what is not set there, from .env. Reports what is set and not used.
 * @throws UserError
 */
export function loadSettings(report: Report): Settings {
  const ofFile = readEnvFile(envFile)
  const environment = loadEnvironment()
  const settings = parseSettings(environment)
  for (const saying of sayUnused(environment, ofFile)) report('settings', saying)
  return settings
}

/** The folder of the stack, from the same places: no other setting is looked at. @throws UserError */
export function loadDataDir(): string {
  return parseDataDir(loadEnvironment())
}
