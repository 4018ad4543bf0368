import { join } from 'node:path'
import type { LogLimits } from '../../../web/server/db/retention.ts'
import type { Report } from '../../lib/terminal.ts'
import type { StartOptions } from '../database-server/start.ts'

/** Variables of a replica. Empty: not set. */
export type MonitoringUrls = Record<'PROMETHEUS_URL' | 'GRAFANA_URL' | 'ALERTMANAGER_URL', string>

export type StackOptions = {
  /** how many replicas, at least one */
  replicas: number
  /** how to run a replica: builtReplica(), sourceReplica() or a test's program */
  replica: ReplicaProgram
  /** folder for everything that the stack writes; created if missing */
  dataDir: string
  /** address NGINX listens on; default: 127.0.0.1 */
  host?: string
  /** port NGINX listens on; default: a free one */
  port?: number
  /** lifetime of the sticky cookie in seconds; default: settingDefaults */
  stickySeconds?: number
  /** default: short */
  showClientIps?: 'short' | 'full'
  /** seconds that a stopping replica goes on answering; default: settingDefaults */
  drainSeconds?: number
  /** of the replicas' logs; default: text */
  logFormat?: 'text' | 'json'
  /** more variables for one replica, which override the stack's: tests put a proxy between the services */
  replicaVariables?: (
    place: { name: string; port: number },
    databaseUrl: string,
  ) => Promise<Record<string, string>>
  /** how much of the log is kept; default: settingDefaults */
  logLimits?: LogLimits
  /** ms without an answer after which a replica or NGINX is killed and restarted; null = never; default: 25 s */
  hungAfterMs?: number | null
  /** addresses and networks of proxies whose forwarding headers NGINX trusts; default: none */
  trustedProxies?: string[]
  /** where monitoring is, for the page: PROMETHEUS_URL, GRAFANA_URL, ALERTMANAGER_URL; default: nowhere */
  monitoringUrls?: MonitoringUrls
  /** the token of control; default: the one in the data folder, which the first start makes */
  adminToken?: string
  /** whether requests of loopback and private addresses are limited too; default: no */
  limitPrivate?: boolean
  /** NGINX's worker processes; default: settingDefaults */
  nginxWorkers?: number
  /** `small` starts faster and takes less space; `everything` lets the owner create databases */
  database?: Pick<StartOptions, 'size' | 'everything' | 'environment'>
  report?: Report
  /** runs before the first service starts, for example a build; the folder is locked and the port is free by then */
  prepare?: () => Promise<void>
  /** aborts the start and undoes it */
  signal?: AbortSignal
}

/** How to run a replica. The stack adds the variables. */
export type ReplicaProgram = {
  command: string
  arguments: string[]
  cwd: string
  /** the build's folder, which contains `cwd`. A later build removes it, so a copy runs instead (build.ts). */
  build?: string
  environment: NodeJS.ProcessEnv
  /** ms within which it must be ready */
  readyWithin: number
}

type Variables = Record<string, string | undefined>

/** The project's folder. */
export const root = join(import.meta.dirname, '..', '..', '..')

/** Output of the build. The next build removes it, so replicas run from a copy (build.ts). */
export const standalone = join(root, 'web/.next/standalone')

/** The replica that `npm run build` made. */
export function builtReplica(environment: Variables = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: ['replica.mjs'],
    cwd: join(standalone, 'web'),
    build: standalone,
    // As in web/Dockerfile. glibc may keep freed memory in two arenas only: by default in eight for each core. V8 keeps new objects
    // in two spaces of 8 MB at most: by default of 16.
    environment: {
      ...environment,
      NODE_ENV: 'production',
      MALLOC_ARENA_MAX: '2',
      NODE_OPTIONS: `--max-semi-space-size=8 ${environment.NODE_OPTIONS ?? ''}`.trim(),
    },
    readyWithin: 30_000,
  }
}

/** The replica from its sources, with Next's hot reload. Next allows one development server per project. */
export function sourceReplica(environment: Variables = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: [join(root, 'web/server/replica/main.ts')],
    cwd: root,
    environment: { ...environment, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
    readyWithin: 120_000, // Next compiles first
  }
}
