import { join } from 'node:path'
import type { LogLimits } from '../../../web/server/db/retention.ts'
import { srvIdOf } from '../../../web/server/identity.ts'
import { settingDefaults } from '../../../web/shared/limits.ts'
import type { Report } from '../../lib/terminal.ts'
import { hungAfterMs as defaultHungAfterMs } from '../../lib/wait.ts'
import { ownBuild } from './build.ts'
import type { MonitoringUrls, ReplicaProgram, StackOptions } from './stack-options.ts'
import { bringUp, type KeptService, type RunningService, spawnService } from './supervise.ts'
import type { ProcessRecord, Workspace } from './workspace.ts'

/** A replica's name and address, which it keeps when it is started again. */
export type ReplicaPlace = { name: string; port: number; address: string; srvId: string }

type ReplicaSettings = {
  program: ReplicaProgram
  databaseUrl: string
  stickySeconds: number
  showClientIps: 'short' | 'full'
  drainSeconds: number
  logFormat: 'text' | 'json'
  monitoringUrls: MonitoringUrls
  /** extra variables, which override the stack's */
  variables: Record<string, string>
  logLimits: LogLimits
  /** the file with the token of control */
  tokenFile: string
  /** ms without an answer after which a replica is killed and restarted; null = never */
  hungAfterMs: number | null
  /** folder of the logs */
  logs: string
  record: ProcessRecord
}

const noMonitoring: MonitoringUrls = { PROMETHEUS_URL: '', GRAFANA_URL: '', ALERTMANAGER_URL: '' }

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
  const service = {
    name: place.name,
    program: program.command,
    arguments: program.arguments,
    cwd: program.cwd,
    environment: { ...program.environment, ...variablesOf(place, settings), ...settings.variables },
    log: replicaLog(settings.logs, place),
    record: settings.record,
    readyUrl: `http://${place.address}/health/ready`,
    readyWithin: program.readyWithin,
    // Live, not ready: a replica that drains or has no database must not be restarted.
    liveness: hungAfterMs === null ? null : { url: `http://${place.address}/health/live`, hungAfterMs },
    endings: [['SIGTERM', drainSeconds * 1000 + 5000]] satisfies [NodeJS.Signals, number][],
  }
  return spawnService(service, signal)
}

function variablesOf(place: ReplicaPlace, settings: ReplicaSettings): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(place.port),
    DATABASE_URL: settings.databaseUrl,
    DATABASE_PASSWORD_FILE: '', // the password is in the URL; a file from the environment is for another database
    SERVER_NAME: place.name,
    SERVER_ADDRESS: place.address,
    STICKY_SECONDS: String(settings.stickySeconds),
    SHOW_CLIENT_IPS: settings.showClientIps,
    DRAIN_SECONDS: String(settings.drainSeconds),
    LOG_FORMAT: settings.logFormat,
    LOG_RETENTION_DAYS: String(settings.logLimits.days),
    LOG_MAX_ROWS: String(settings.logLimits.rows),
    ADMIN_TOKEN: '', // in the file, as the stack's
    ADMIN_TOKEN_FILE: settings.tokenFile,
    ...settings.monitoringUrls,
  }
}

/** Starts all replicas concurrently. @returns their places, once all are ready */
export async function bringUpReplicas(
  options: StackOptions,
  workspace: Workspace,
  databaseUrl: string,
): Promise<ReplicaPlace[]> {
  const program = await ownBuild(options.replica, workspace.dataDir.build, workspace)
  const shared = { ...settingsFor(options, workspace, databaseUrl), program }
  const places: ReplicaPlace[] = []
  for (let n = 1; n <= options.replicas; n++) places.push(replicaPlace(n, await workspace.freePort()))

  const running: KeptService[] = []
  workspace.resources.defer(async () => void (await Promise.all(running.map(kept => kept.stop()))))
  const starts = places.map(async place => {
    const variables = await options.replicaVariables?.(place, databaseUrl)
    const settings = { ...shared, variables: variables ?? {} }
    const start = (signal: AbortSignal) => startWithRetry(place, settings, workspace.report, signal)
    const { kept } = await bringUp(place.name, start, () => place.address, workspace)
    running.push(kept)
  })
  // Wait for all before a failure is thrown: otherwise one could start after the others were stopped.
  await Promise.allSettled(starts)
  await Promise.all(starts)
  return places
}

/** A replica exits if the database does not answer within a second. That can happen on a busy machine, so this tries twice. */
async function startWithRetry(
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
  workspace: Workspace,
  databaseUrl: string,
): Omit<ReplicaSettings, 'variables' | 'program'> {
  return {
    databaseUrl,
    stickySeconds: options.stickySeconds ?? settingDefaults.stickySeconds,
    showClientIps: options.showClientIps ?? settingDefaults.showClientIps,
    drainSeconds: options.drainSeconds ?? settingDefaults.drainSeconds,
    logFormat: options.logFormat ?? 'text',
    monitoringUrls: options.monitoringUrls ?? noMonitoring,
    logLimits: options.logLimits ?? settingDefaults.logLimits,
    hungAfterMs: options.hungAfterMs === undefined ? defaultHungAfterMs : options.hungAfterMs,
    tokenFile: workspace.dataDir.adminToken,
    logs: workspace.dataDir.logs,
    record: workspace.record,
  }
}
