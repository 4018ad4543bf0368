import { z } from 'zod'
import { mostReplicas } from './database/server-arguments.ts'
import { StackFailure } from './stack-failure.ts'

/** What `npm start` is told from outside; the README and .env.example say the same. */
export type Settings = z.output<typeof schema>

const wholeNumber = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d+$/, { error, abort: true })
    .transform(Number)
    .pipe(z.int().min(least, { error }).max(most, { error }))
}

const schema = z
  .object({
    HTTP_HOST: z
      .string()
      .regex(/^[A-Za-z0-9.:-]+$/, 'an address of this machine')
      .default('127.0.0.1'),
    HTTP_PORT: wholeNumber(1, 65_535).default(8080),
    REPLICAS: wholeNumber(1, mostReplicas).default(3),
    DATA_DIR: z.string().default('.data'),
    STICKY_SECONDS: wholeNumber(1, 86_400).default(300),
    SHOW_CLIENT_IPS: z.enum(['short', 'full'], 'short or full').default('short'),
    DRAIN_SECONDS: wholeNumber(0, 60).default(1),
    NGINX_WORKERS: wholeNumber(1, 64).default(2),
    LOG_RETENTION_DAYS: wholeNumber(1, 36_500).default(30),
    LOG_MAX_ROWS: wholeNumber(1, 1e12).default(10_000_000),
  })
  .transform(values => ({
    host: values.HTTP_HOST,
    port: values.HTTP_PORT,
    replicas: values.REPLICAS,
    dataDir: values.DATA_DIR,
    stickySeconds: values.STICKY_SECONDS,
    showClientIps: values.SHOW_CLIENT_IPS,
    drainSeconds: values.DRAIN_SECONDS,
    nginxWorkers: values.NGINX_WORKERS,
    logLimits: { days: values.LOG_RETENTION_DAYS, rows: values.LOG_MAX_ROWS },
  }))

/** Throws StackFailure naming every variable that cannot be used; an empty one counts as not set. */
export function parseSettings(variables: Record<string, string | undefined>): Settings {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(set)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = path.join('.')
    return `    ${name} must be ${message}, not "${set[name]}"`
  })
  throw new StackFailure(['these settings cannot be used:', ...problems].join('\n'))
}
