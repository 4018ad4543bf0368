import { accessSync, constants, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { adminTokenPattern, settingDefaults } from '../shared/limits.ts'
import { reasonOf, UserError } from './errors.ts'

/** The configuration of a replica, parsed from environment variables. */
export type Environment = z.output<typeof schema>

/** Lists everything wrong with the environment, one line per variable. */
export class BadEnvironment extends UserError {
  override readonly name = 'BadEnvironment'

  constructor(problems: string[]) {
    super(['The environment cannot be used:', ...problems.map(problem => `  ${problem}`)].join('\n'))
  }
}

const port = z.coerce.number().int().min(1).max(65535)

const databaseUrl = z
  .string('must be mysql://user:password@host:port/database')
  .superRefine((text, context) => {
    try {
      readDatabaseUrl(text)
    } catch (error) {
      if (!(error instanceof BadDatabaseUrl)) throw error
      context.addIssue({ code: 'custom', message: error.problem })
    }
  })

const serverName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, 'letters, digits, dots and hyphens only, 63 at most')

export function isServerName(text: string): boolean {
  return serverName.safeParse(text).success
}

const adminToken = z.string().regex(adminTokenPattern, 'must be 16 to 256 letters, digits and ._~+/-')

/** Whether a text can be the token of control. */
export function isAdminToken(text: string): boolean {
  return adminToken.safeParse(text).success
}

/** The token in a file, without spaces and newlines around it; null if the file cannot be read or has no valid token. */
export function readTokenFile(file: string): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return isAdminToken(text) ? text : null
  } catch {
    return null
  }
}

const serverAddress = z.string().refine(isAddressWithPort, 'must be ip:port, as NGINX knows the server')

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })

const schema = z
  .object({
    NODE_ENV: z.enum(['production', 'development', 'test']).default('production'),
    /** address to listen on. A client that bypasses NGINX can forge X-Real-IP, so the default is loopback. */
    HOST: z.string().min(1).default('127.0.0.1'),
    PORT: port.default(3000),
    DATABASE_URL: databaseUrl,
    /** a file with the database's password, so that the URL need not contain it */
    DATABASE_PASSWORD_FILE: z.string().refine(isReadable, 'cannot be read').optional(),
    /** default: the lowest free web-N */
    SERVER_NAME: serverName.optional(),
    /** default: the address it listens on */
    SERVER_ADDRESS: serverAddress.optional(),
    /** lifetime of NGINX's sticky cookie in seconds. The replica only shows it. */
    STICKY_SECONDS: z.coerce.number().int().min(1).max(86_400).default(settingDefaults.stickySeconds),
    SHOW_CLIENT_IPS: z.enum(['short', 'full']).default(settingDefaults.showClientIps),
    /** days to keep a row of the log */
    LOG_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(settingDefaults.logLimits.days),
    /** newest rows of the log to keep */
    LOG_MAX_ROWS: z.coerce.number().int().min(1).max(1e12).default(settingDefaults.logLimits.rows),
    /** the collector that gets spans of page views, without the path /v1/traces. None: OpenTelemetry is not loaded */
    OTEL_EXPORTER_OTLP_ENDPOINT: z
      .url({ protocol: /^https?$/, error: 'must be a URL of a collector' })
      .optional(),
    /** share of page views to trace */
    OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
    /** json for collectors, text for people: `npm start` sets it unless its user does */
    LOG_FORMAT: z.enum(['text', 'json']).default('json'),
    /** the header's links, for the visitor's browser */
    PROMETHEUS_URL: httpUrl.optional(),
    GRAFANA_URL: httpUrl.optional(),
    /** where the replica itself reads the alerts that fire */
    ALERTMANAGER_URL: httpUrl.optional(),
    /** the token of control, or a file with it. The file is read at each use: it may be made or replaced later */
    ADMIN_TOKEN: adminToken.optional(),
    ADMIN_TOKEN_FILE: z.string().optional(),
    /** seconds that a stopping replica goes on answering */
    DRAIN_SECONDS: z.coerce.number().min(0).max(60).default(settingDefaults.drainSeconds),
  })
  .transform(values => ({
    development: values.NODE_ENV === 'development',
    host: values.HOST,
    port: values.PORT,
    databaseUrl: databaseUrlFrom(values.DATABASE_URL, values.DATABASE_PASSWORD_FILE),
    serverName: values.SERVER_NAME ?? null,
    serverAddress: values.SERVER_ADDRESS ?? null,
    stickySeconds: values.STICKY_SECONDS,
    clientAddresses: values.SHOW_CLIENT_IPS,
    monitoring: {
      prometheus: values.PROMETHEUS_URL ?? null,
      grafana: values.GRAFANA_URL ?? null,
      hasAlerts: values.ALERTMANAGER_URL !== undefined,
    },
    alertmanagerUrl: values.ALERTMANAGER_URL ?? null,
    adminToken: { value: values.ADMIN_TOKEN ?? null, file: values.ADMIN_TOKEN_FILE ?? null },
    drainSeconds: values.DRAIN_SECONDS,
    logFormat: values.LOG_FORMAT,
    tracing: values.OTEL_EXPORTER_OTLP_ENDPOINT
      ? { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT, share: values.OTEL_TRACES_SAMPLER_ARG }
      : null,
    logLimits: { days: values.LOG_RETENTION_DAYS, rows: values.LOG_MAX_ROWS },
  }))

/** @throws BadEnvironment that lists every invalid variable */
export function parseEnvironment(variables: Record<string, string | undefined>): Environment {
  // Compose and .env files cannot leave a variable out, so an empty one counts as unset.
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(set)
  if (parsed.success) return parsed.data
  throw new BadEnvironment(parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`))
}

/** The token of control now; null if there is none: then control is closed. */
export function readAdminToken({
  adminToken: { value, file },
}: Pick<Environment, 'adminToken'>): string | null {
  return value ?? (file === null ? null : readTokenFile(file))
}

function isAddressWithPort(text: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const [, ipv6, ipv4, digits] = match ?? []
  const version = ipv6 === undefined ? 4 : 6
  return isIP(ipv6 ?? ipv4 ?? '') === version && Number(digits) >= 1 && Number(digits) <= 65535
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** Host, user and encryption of a database connection, as the driver takes them. */
type DatabaseAccess = {
  host: string
  port: number
  user: string
  password: string
  database: string
  ssl?: { ca?: string; rejectUnauthorized: boolean; verifyIdentity: boolean }
}

/** An invalid database URL. The message is one sentence and never contains the password. */
export class BadDatabaseUrl extends UserError {
  override readonly name = 'BadDatabaseUrl'
  /** the message without its subject */
  readonly problem: string

  constructor(problem: string) {
    super(`DATABASE_URL ${problem}`)
    this.problem = problem
  }
}

/** How strictly the server's identity is checked, weakest first. */
const levels = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const
type Level = (typeof levels)[number]

/** The levels' names in MySQL's clients, Prisma and PostgreSQL, lower case with hyphens. */
const levelNames = new Map<string, Level>(
  Object.entries({
    disable: 'disabled',
    disabled: 'disabled',
    require: 'required',
    required: 'required',
    'accept-invalid-certs': 'required',
    'verify-ca': 'verify-ca',
    'verify-full': 'verify-identity',
    'verify-identity': 'verify-identity',
    strict: 'verify-identity',
  }),
)

/** Known parameters, lower case without hyphens and underscores. */
const parameterNames = new Map<string, 'level' | 'ca'>(
  Object.entries({
    sslmode: 'level',
    sslaccept: 'level',
    sslca: 'ca',
    sslcert: 'ca',
  }),
)

const shape = 'must be mysql://user:password@host:port/database'
const known = 'sslmode (disable, require, verify-ca or verify-full), sslaccept (strict) and sslca (a file)'

/**
 * Inserts the password from a file into a mysql:// URL, so that it need not be in the environment. One newline at the file's
 * end is removed, spaces are kept. Returns `url` unchanged without a file or if it is no URL.
 * @throws UserError if the file cannot be read
 */
export function databaseUrlFrom(url: string, passwordFile?: string): string {
  if (!passwordFile || !URL.canParse(url)) return url
  const withPassword = new URL(url)
  withPassword.password = encodeURIComponent(readPassword(passwordFile).replace(/\r?\n$/, ''))
  return withPassword.href
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`DATABASE_PASSWORD_FILE is a file that cannot be read: ${reasonOf(error)}`)
  }
}

/** The same URL in the form that the driver itself reads, to pass to another program. @throws BadDatabaseUrl */
export function driverUrl(text: string): string {
  const { ssl } = readDatabaseUrl(text)
  const url = new URL(text)
  url.search = ssl ? new URLSearchParams({ ssl: JSON.stringify(ssl) }).toString() : ''
  return url.href
}

/**
 * Parses a database URL for the driver. Rejects unknown parameters: an ignored one could have required encryption.
 * @throws BadDatabaseUrl
 */
export function readDatabaseUrl(text: string): DatabaseAccess {
  const url = URL.parse(text)
  if (url?.protocol !== 'mysql:' || url.hostname === '' || url.pathname.length < 2)
    throw new BadDatabaseUrl(shape)
  if (url.hash !== '') throw new BadDatabaseUrl('has a #; write it as %23')
  const ssl = readEncryption(url.searchParams)
  const host = decode(url.hostname.replace(/^\[|\]$/g, ''))
  // For an IP address the driver would compare the certificate with `localhost`.
  if (ssl?.verifyIdentity && isIP(host))
    throw new BadDatabaseUrl(
      `requires ${host} to be verified by its name; use a host name, or sslmode=verify-ca`,
    )
  return {
    host,
    port: Number(url.port || 3306),
    user: decode(url.username),
    password: decode(url.password),
    database: decode(url.pathname.slice(1)),
    ...(ssl && { ssl }),
  }
}

function readEncryption(parameters: URLSearchParams): DatabaseAccess['ssl'] {
  const levelByName = new Map<string, Level>()
  let ca: string | undefined
  for (const [name, value] of parameters) {
    const kind = parameterNames.get(name.toLowerCase().replaceAll(/[-_]/g, ''))
    if (kind === undefined) throw new BadDatabaseUrl(`has ${name}, which is not known; known are ${known}`)
    if (parameters.getAll(name).length > 1) throw new BadDatabaseUrl(`has ${name} more than once`)
    if (kind === 'level') levelByName.set(name, readLevel(name, value))
    else if (ca === undefined) ca = readCertificate(name, value)
    else throw new BadDatabaseUrl('names two files of certificates')
  }
  return toEncryption([...levelByName.values()], ca)
}

/** The strictest of several levels applies. `disabled` together with any other is an error. */
function toEncryption(given: Level[], ca: string | undefined): DatabaseAccess['ssl'] {
  const level = levels.findLast(each => given.includes(each)) ?? (ca ? 'verify-identity' : 'disabled')
  if (given.includes('disabled') && (level !== 'disabled' || ca))
    throw new BadDatabaseUrl('both disables TLS and requires it')
  if (level === 'disabled') return undefined
  // Verify whenever a certificate authority is given.
  const rejectUnauthorized = level !== 'required' || ca !== undefined
  return { ...(ca && { ca }), rejectUnauthorized, verifyIdentity: level === 'verify-identity' }
}

function readLevel(name: string, value: string): Level {
  const level = levelNames.get(value.toLowerCase().replaceAll('_', '-'))
  if (level) return level
  if (/^prefer(red)?$/i.test(value) || /^allow$/i.test(value))
    throw new BadDatabaseUrl(`has ${name}=${value}, which could mean no encryption; use disable or require`)
  throw new BadDatabaseUrl(`has ${name}=${value}, which is not known; known are ${known}`)
}

function readCertificate(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new BadDatabaseUrl(`has ${name}=${file}, a file that cannot be read`)
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadDatabaseUrl('has a % that starts no encoded character; write it as %25')
  }
}
