import type { LogLimits } from '../../../web/server/db/purge-log.ts'
import type { StartOptions } from '../database-server/start.ts'
import type { ReplicaProgram } from './replica-program.ts'

/** What a stack says of itself: a part ("web-2", "nginx") and a line about it. */
export type Report = (part: string, text: string) => void

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
