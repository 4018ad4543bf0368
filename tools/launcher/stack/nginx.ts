import { rm } from 'node:fs/promises'
import { findNginx, leastNginx, type NginxProgram } from '../../../nginx/find-nginx.ts'
import { findExporter, followExporter } from '../../../nginx/metrics-log.ts'
import { renderNginx } from '../../../nginx/render.ts'
import { recoverFromCrashes } from '../../../nginx/worker-crashes.ts'
import { UserError } from '../../../web/server/errors.ts'
import { settingDefaults } from '../../../web/shared/limits.ts'
import { checkPort, portFailure } from '../../lib/ports.ts'
import { lastLines } from '../../lib/processes.ts'
import { hungAfterMs as defaultHungAfterMs } from '../../lib/wait.ts'
import type { StackFile } from './data-dir.ts'
import type { ReplicaPlace } from './replicas.ts'
import type { StackOptions } from './stack-options.ts'
import { bringUp, type RunningService, spawnService } from './supervise.ts'
import type { ProcessRecord, Workspace } from './workspace.ts'

type NginxSettings = {
  program: NginxProgram
  /** its working directory */
  folder: string
  host: string
  port: number
  replicas: ReplicaPlace[]
  stickySeconds: number
  limitPrivate: boolean
  trustedProxies: string[]
  /** ms without an answer after which NGINX is killed and restarted; null = never */
  hungAfterMs: number | null
  workers: number
  /** port of 127.0.0.1 for the number of connections */
  statusPort: number
  /** ip:port of the exporter of NGINX's log, whether it runs or not */
  exporter: string
  record: ProcessRecord
  report: (text: string) => void
}

/** The board's URL: loopback if NGINX listens on all addresses. */
function nginxUrl(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}

/** Starts NGINX. It recovers from crashed workers under the same pid, which is reported. */
async function startNginx(settings: NginxSettings, signal: AbortSignal): Promise<RunningService> {
  const { program, folder, host, port, exporter, record, report, hungAfterMs, ...rest } = settings
  const { native, errorLogOption, statusPage } = program
  const sends = (await findExporter(exporter)) === 'answers'
  const rendered = await renderNginx({
    directory: folder,
    host,
    port,
    native,
    errorLogOption,
    statusPage,
    exporter: sends ? exporter : null,
    ...rest,
  })
  await rm(rendered.processLog, { force: true }) // of an earlier NGINX
  const health = `${nginxUrl(host, port)}/healthz`
  const service = {
    name: 'nginx',
    program: program.path,
    arguments: rendered.arguments,
    cwd: folder,
    environment: process.env, // a self-built NGINX may need the library path; NGINX clears the rest
    log: rendered.errorLog,
    record,
    readyUrl: health,
    readyWithin: 15_000,
    liveness: hungAfterMs === null ? null : { url: health, hungAfterMs },
    // After SIGQUIT NGINX finishes running requests. Live streams never finish, hence the time limit.
    endings: [
      ['SIGQUIT', 2000],
      ['SIGTERM', 2000],
    ] satisfies [NodeJS.Signals, number][],
  }
  try {
    const running = await spawnService(service, signal)
    const recovery = recoverFromCrashes(rendered, running.pid, report)
    const metrics = followExporter({ file: rendered.metricsLog, exporter, sends }, running.pid, report)
    return {
      ...running,
      async stop() {
        await Promise.all([recovery.stop(), metrics.stop()])
        await running.stop()
      },
    }
  } catch (error) {
    if (
      error instanceof UserError &&
      /\(98|48: .*in use\)|Address already in use/.test(await lastLines(service.log, 20))
    ) {
      throw portFailure(host, port, 'EADDRINUSE')
    }
    throw error
  }
}

const loopback = '127.0.0.1'

/** Checks early that NGINX can be started later. @throws UserError */
export async function checkNginx(options: Pick<StackOptions, 'host' | 'port'>, find = () => findNginx()) {
  const program = await find()
  if (!program) throw new UserError('NGINX is not installed on this machine')
  const { path, version, unfit } = program
  if (unfit !== null) {
    throw new UserError(
      `${path}, NGINX ${version}, ${unfit}: install ${leastNginx} or later, from the package nginx of the system ` +
        'or from https://nginx.org/en/linux_packages.html',
    )
  }
  if (options.port) await checkPort(options.host ?? loopback, options.port)
  return program
}

/** Starts NGINX in front of `replicas`. @returns the address of the board, and what the monitoring needs to know */
export async function bringUpNginx(
  options: StackOptions,
  workspace: Workspace,
  program: Awaited<ReturnType<typeof checkNginx>>,
  replicas: ReplicaPlace[],
): Promise<{ url: string; monitoring: NonNullable<StackFile['monitoring']> }> {
  const {
    host = loopback,
    port = 0,
    stickySeconds = settingDefaults.stickySeconds,
    limitPrivate = false,
    trustedProxies = [],
    nginxWorkers = settingDefaults.nginxWorkers,
  } = options
  const { hungAfterMs = defaultHungAfterMs } = options
  const settings = {
    program,
    folder: workspace.dataDir.nginx,
    host,
    port: port || (await workspace.freePort()),
    statusPort: await workspace.freePort(),
    exporter: `${loopback}:${await workspace.freePort()}`,
    replicas,
    stickySeconds,
    limitPrivate,
    trustedProxies,
    hungAfterMs,
    workers: nginxWorkers,
    record: workspace.record,
    report: (text: string) => workspace.report('nginx', text),
  }
  const { kept } = await bringUp(
    'nginx',
    signal => startNginx(settings, signal),
    () => `${program.version}, ${program.native ? 'native' : 'map-based'} sticky cookie`,
    workspace,
  )
  workspace.resources.defer(kept.stop)
  const monitoring = {
    nginx_log_exporter: settings.exporter,
    nginx_status_exporter: `${loopback}:${await workspace.freePort()}`,
    nginx_status: `http://${loopback}:${settings.statusPort}/status`,
  }
  return { url: nginxUrl(settings.host, settings.port), monitoring }
}
