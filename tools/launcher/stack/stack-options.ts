import { join } from 'node:path'
import type { LogLimits } from '../../../web/server/db/retention.ts'
import type { Report } from '../../lib/terminal.ts'
import type { StartOptions } from '../database-server/start.ts'

export type StackOptions = {
  /** how many replicas, at least one */
  replicas: number
  /** how each is run: builtReplica(), sourceReplica(), or a program of the test's own */
  replica: ReplicaProgram
  /** everything the stack writes is in this folder; made if it is not there */
  dataDir: string
  /** address NGINX listens on; default: 127.0.0.1 */
  host?: string
  /** port NGINX listens on; default: any free one */
  port?: number
  /** life of the sticky cookie in seconds; default: 300 */
  stickySeconds?: number
  /** default: short */
  showClientIps?: 'short' | 'full'
  /** how long a replica told to stop goes on answering, in seconds; default: 1 */
  drainSeconds?: number
  /** what one replica's environment has besides, or instead: for tests that put something between the parts */
  replicaVariables?: (name: string, databaseUrl: string) => Promise<Record<string, string>>
  /** how much of the log is kept; default: 30 days, ten million rows */
  logLimits?: LogLimits
  /** ms without an answer after which a replica or NGINX is killed, and then started again; null: never; default: 25 s */
  hungAfterMs?: number | null
  /** addresses and networks of proxies that say where a visitor is and how it came; default: none */
  trustedProxies?: string[]
  /** limits requests of loopback and private addresses too; default: no */
  limitPrivate?: boolean
  /** NGINX's worker processes; default: 2 */
  nginxWorkers?: number
  /** `small` starts sooner and takes less room; `everything` lets the owner's account make databases of its own */
  database?: Pick<StartOptions, 'size' | 'everything' | 'environment'>
  report?: Report
  /** done first, once the folder is taken and the port is known to be free: building */
  prepare?: () => Promise<void>
  /** ends the start; what it had begun is undone */
  signal?: AbortSignal
}

/** How a replica is run; where it listens and what it reads is added by the stack. */
export type ReplicaProgram = {
  command: string
  arguments: string[]
  cwd: string
  /** the folder of the build, around `cwd`, that a later build may remove: it is run from a copy (own-build.ts) */
  build?: string
  environment: NodeJS.ProcessEnv
  /** how long it may take until it is ready, in ms */
  readyWithin: number
}

type Variables = Record<string, string | undefined>

/** The project's folder. */
export const root = join(import.meta.dirname, '..', '..', '..')

/** Where a build is made. The next one removes it: what runs, runs from a copy (own-build.ts). */
export const standalone = join(root, 'web/.next/standalone')

/** What `npm run build` made. */
export function builtReplica(environment: Variables = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: ['--enable-source-maps', 'replica.mjs'],
    cwd: join(standalone, 'web'),
    build: standalone,
    environment: { ...environment, NODE_ENV: 'production' },
    readyWithin: 30_000,
  }
}

/** The sources as they are, with Next's hot reload. Next allows one such process a project. */
export function sourceReplica(environment: Variables = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: [join(root, 'web/server/replica/main.ts')],
    cwd: root,
    environment: { ...environment, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
    readyWithin: 120_000, // it compiles first
  }
}
