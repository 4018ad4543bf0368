import { join } from 'node:path'
import type { LogLimits } from '../../../web/server/db/purge-log.ts'
import { srvIdOf } from '../../../web/server/srv-id.ts'
import type { ProcessRecord } from './process-record.ts'
import type { ReplicaProgram } from './replica-program.ts'
import type { RunningPart } from './running-part.ts'
import { spawnPart } from './spawn-part.ts'

/** Where a replica stands, in all its lives. */
export type ReplicaPlace = { name: string; port: number; address: string; srvId: string }

export type ReplicaSettings = {
  program: ReplicaProgram
  databaseUrl: string
  stickySeconds: number
  showClientIps: 'short' | 'full'
  drainSeconds: number
  /** set besides the stack's own, or instead of them */
  variables: Record<string, string>
  logLimits: LogLimits
  /** ms without an answer after which one is killed, and then started again; null: never */
  hungAfterMs: number | null
  /** folder of its log */
  logs: string
  record: ProcessRecord
}

/** The `n`th replica, counted from 1. */
export function replicaPlace(n: number, port: number): ReplicaPlace {
  const address = `127.0.0.1:${port}`
  return { name: `web-${n}`, port, address, srvId: srvIdOf(address) }
}

export const replicaLog = (logs: string, place: ReplicaPlace) => join(logs, `${place.name}.log`)

export function startReplica(
  place: ReplicaPlace,
  settings: ReplicaSettings,
  signal: AbortSignal,
): Promise<RunningPart> {
  const { program, drainSeconds, hungAfterMs } = settings
  const part = {
    name: place.name,
    program: program.command,
    arguments: program.arguments,
    cwd: program.cwd,
    environment: { ...program.environment, ...variablesOf(place, settings), ...settings.variables },
    log: replicaLog(settings.logs, place),
    record: settings.record,
    readyUrl: `http://${place.address}/health/ready`,
    readyWithin: program.readyWithin,
    // Not whether it is ready: one that drains, or whose database is away, must not be started again.
    liveness: hungAfterMs === null ? null : { url: `http://${place.address}/health/live`, hungAfterMs },
    endings: [['SIGTERM', drainSeconds * 1000 + 5000]] satisfies [NodeJS.Signals, number][],
  }
  return spawnPart(part, signal)
}

function variablesOf(place: ReplicaPlace, settings: ReplicaSettings): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(place.port),
    DATABASE_URL: settings.databaseUrl,
    SERVER_NAME: place.name,
    SERVER_ADDRESS: place.address,
    STICKY_SECONDS: String(settings.stickySeconds),
    SHOW_CLIENT_IPS: settings.showClientIps,
    DRAIN_SECONDS: String(settings.drainSeconds),
    LOG_RETENTION_DAYS: String(settings.logLimits.days),
    LOG_MAX_ROWS: String(settings.logLimits.rows),
  }
}
