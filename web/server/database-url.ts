import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'

/** Where a database is, who signs in, and whether the connection is encrypted: what the driver takes. */
export type DatabaseAccess = {
  host: string
  port: number
  user: string
  password: string
  database: string
  ssl?: { ca?: string; rejectUnauthorized: boolean; verifyIdentity: boolean }
}

/** A database's URL that cannot be used as it says; the message is one sentence, without the password. */
export class BadDatabaseUrl extends Error {
  override readonly name = 'BadDatabaseUrl'
  /** the sentence without its subject */
  readonly problem: string

  constructor(problem: string) {
    super(`DATABASE_URL ${problem}`)
    this.problem = problem
  }
}

/** How the server proves who it is, from the least to the most. */
const levels = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const
type Level = (typeof levels)[number]

/** Each level by the words of MySQL's own clients, of Prisma and of PostgreSQL, in lower case and with hyphens. */
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

/** What a parameter says, by its name in lower case without hyphens and underscores. */
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
 * `url`, a mysql:// one, with the password from a file in it if one is named: so it need not be in the environment. One
 * newline at the file's end is not part of the password; spaces are. Returns `url` unchanged if it is no URL.
 * @throws when the file cannot be read
 */
export function databaseUrlFrom(url: string, passwordFile?: string): string {
  if (!passwordFile || !URL.canParse(url)) return url
  const withPassword = new URL(url)
  withPassword.password = encodeURIComponent(readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''))
  return withPassword.href
}

/** The same as a URL that the driver reads itself, for a program that hands it on. @throws BadDatabaseUrl */
export function driverUrl(text: string): string {
  const { ssl } = readDatabaseUrl(text)
  const url = new URL(text)
  url.search = ssl ? new URLSearchParams({ ssl: JSON.stringify(ssl) }).toString() : ''
  return url.href
}

/**
 * Reads a database's URL for the driver. It refuses what it does not know: an ignored parameter could have
 * required encryption. @throws BadDatabaseUrl
 */
export function readDatabaseUrl(text: string): DatabaseAccess {
  const url = URL.parse(text)
  if (url?.protocol !== 'mysql:' || url.hostname === '' || url.pathname.length < 2)
    throw new BadDatabaseUrl(shape)
  if (url.hash !== '') throw new BadDatabaseUrl('has a #; write it as %23')
  const ssl = readEncryption(url.searchParams)
  const host = decode(url.hostname.replace(/^\[|\]$/g, ''))
  // The driver would compare the certificate with `localhost`.
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
  const asked = new Map<string, Level>()
  let ca: string | undefined
  for (const [name, value] of parameters) {
    const kind = parameterNames.get(name.toLowerCase().replaceAll(/[-_]/g, ''))
    if (kind === undefined) throw new BadDatabaseUrl(`has ${name}, which is not known; known are ${known}`)
    if (parameters.getAll(name).length > 1) throw new BadDatabaseUrl(`has ${name} more than once`)
    if (kind === 'level') asked.set(name, readLevel(name, value))
    else if (ca === undefined) ca = readCertificate(name, value)
    else throw new BadDatabaseUrl('names two files of certificates')
  }
  return toEncryption([...asked.values()], ca)
}

/** Of several levels the highest holds, but for none beside some. */
function toEncryption(asked: Level[], ca: string | undefined): DatabaseAccess['ssl'] {
  const level = levels.findLast(each => asked.includes(each)) ?? (ca ? 'verify-identity' : 'disabled')
  if (asked.includes('disabled') && (level !== 'disabled' || ca))
    throw new BadDatabaseUrl('both disables TLS and requires it')
  if (level === 'disabled') return undefined
  // A named certificate is there to be checked.
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
