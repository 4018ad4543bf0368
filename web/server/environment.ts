import { accessSync, constants } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { BadDatabaseUrl, databaseUrlFrom, readDatabaseUrl } from './database-url.ts'

/** Everything a replica is told from outside. */
export type Environment = z.output<typeof schema>

/** All that is wrong with the environment, one line a variable. */
export class BadEnvironment extends Error {
  constructor(problems: string[]) {
    super(['The environment cannot be used:', ...problems.map(problem => `  ${problem}`)].join('\n'))
    this.name = 'BadEnvironment'
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

const serverAddress = z.string().refine(isAddressWithPort, 'must be ip:port, as NGINX knows the server')

const schema = z
  .object({
    NODE_ENV: z.enum(['production', 'development', 'test']).default('production'),
    /** address to listen on; whoever reaches it past NGINX can forge X-Real-IP, so loopback unless told otherwise */
    HOST: z.string().min(1).default('127.0.0.1'),
    PORT: port.default(3000),
    DATABASE_URL: databaseUrl,
    /** a file with the password, instead of one in the URL */
    DATABASE_PASSWORD_FILE: z.string().refine(isReadable, 'cannot be read').optional(),
    /** null: the lowest free web-N */
    SERVER_NAME: serverName.optional(),
    /** undefined: the address listened on */
    SERVER_ADDRESS: serverAddress.optional(),
    /** life of NGINX's sticky cookie, in seconds: the replica only tells visitors of it */
    STICKY_SECONDS: z.coerce.number().int().min(1).max(86_400).default(300),
    SHOW_CLIENT_IPS: z.enum(['short', 'full']).default('short'),
    /** days a row of the log stays */
    LOG_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(30),
    /** rows of the log that stay, the newest */
    LOG_MAX_ROWS: z.coerce.number().int().min(1).max(1e12).default(10_000_000),
    /** how long a replica told to stop goes on answering, in seconds */
    DRAIN_SECONDS: z.coerce.number().min(0).max(60).default(1),
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
    drainSeconds: values.DRAIN_SECONDS,
    logLimits: { days: values.LOG_RETENTION_DAYS, rows: values.LOG_MAX_ROWS },
  }))

/** @throws BadEnvironment naming every variable that cannot be used */
export function parseEnvironment(variables: Record<string, string | undefined>): Environment {
  // An empty variable means unset: compose files and .env files cannot leave one out.
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(set)
  if (parsed.success) return parsed.data
  throw new BadEnvironment(parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`))
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
