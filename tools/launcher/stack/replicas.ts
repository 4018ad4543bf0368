import { join } from 'node:path'
import type { LogLimits } from '../../../web/server/db/retention.ts'
import { srvIdOf } from '../../../web/server/identity.ts'
import { settingDefaults } from '../../../web/shared/limits.ts'
import { hungAfterMs as defaultHungAfterMs } from '../../lib/liveness.ts'
import type { Report } from '../../lib/terminal.ts'
import { ownBuild } from './own-build.ts'
import type { ReplicaProgram, StackOptions } from './stack-options.ts'
import { bringUp, type KeptService, type RunningService, spawnService } from './supervise.ts'
import type { ProcessRecord, Workspace } from './workspace.ts'

/** Where a replica stands, in all its lives. */
export type ReplicaPlace = { name: string; port: number; address: string; srvId: string }

type ReplicaSettings = {
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
function replicaPlace(n: number, port: number): ReplicaPlace {
  const address = `127.0.0.1:${port}`
  return { name: `web-${n}`, port, address, srvId: srvIdOf(address) }
}

const replicaLog = (logs: string, place: ReplicaPlace) => join(logs, `${place.name}.log`)

function startReplica(
  place: ReplicaPlace,
  settings: ReplicaSettings,
  signal: AbortSignal,
): Promise<RunningService> {
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
  return spawnService(part, signal)
}

function variablesOf(place: ReplicaPlace, settings: ReplicaSettings): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(place.port),
    DATABASE_URL: settings.databaseUrl,
    DATABASE_PASSWORD_FILE: '', // the password is in the URL: a file that this process is given is for another database
    SERVER_NAME: place.name,
    SERVER_ADDRESS: place.address,
    STICKY_SECONDS: String(settings.stickySeconds),
    SHOW_CLIENT_IPS: settings.showClientIps,
    DRAIN_SECONDS: String(settings.drainSeconds),
    LOG_RETENTION_DAYS: String(settings.logLimits.days),
    LOG_MAX_ROWS: String(settings.logLimits.rows),
  }
}

/** Starts all replicas at once and resolves when every one is ready; returns where they are. */
export async function bringUpReplicas(
  options: StackOptions,
  site: Workspace,
  databaseUrl: string,
): Promise<ReplicaPlace[]> {
  const program = await ownBuild(options.replica, site.dataDir.build, site)
  const shared = { ...settingsFor(options, site, databaseUrl), program }
  const places: ReplicaPlace[] = []
  for (let n = 1; n <= options.replicas; n++) places.push(replicaPlace(n, await site.freePort()))

  const running: KeptService[] = []
  site.resources.defer(async () => void (await Promise.all(running.map(kept => kept.stop()))))
  const starts = places.map(async place => {
    const variables = await options.replicaVariables?.(place.name, databaseUrl)
    const settings = { ...shared, variables: variables ?? {} }
    const start = (signal: AbortSignal) => startPatiently(place, settings, site.report, signal)
    const { kept } = await bringUp(place.name, start, () => place.address, site)
    running.push(kept)
  })
  // All are waited for before a failure is told, so that none is started after the others were stopped.
  await Promise.allSettled(starts)
  await Promise.all(starts)
  return places
}

/** A replica gives up when the database lets it wait for more than a second, which a busy machine may do once. */
async function startPatiently(
  place: ReplicaPlace,
  settings: ReplicaSettings,
  report: Report,
  signal: AbortSignal,
): Promise<RunningService> {
  try {
    return await startReplica(place, settings, signal)
  } catch (error) {
    if (signal.aborted) throw error
    report(place.name, 'did not start, trying once more')
    return startReplica(place, settings, signal)
  }
}

function settingsFor(
  options: StackOptions,
  site: Workspace,
  databaseUrl: string,
): Omit<ReplicaSettings, 'variables' | 'program'> {
  return {
    databaseUrl,
    stickySeconds: options.stickySeconds ?? settingDefaults.stickySeconds,
    showClientIps: options.showClientIps ?? settingDefaults.showClientIps,
    drainSeconds: options.drainSeconds ?? settingDefaults.drainSeconds,
    logLimits: options.logLimits ?? settingDefaults.logLimits,
    hungAfterMs: options.hungAfterMs === undefined ? defaultHungAfterMs : options.hungAfterMs,
    logs: site.dataDir.logs,
    record: site.record,
  }
}
