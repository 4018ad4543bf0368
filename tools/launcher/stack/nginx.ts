import { rm } from 'node:fs/promises'
import { findNginx, leastNginx, type NginxProgram } from '../../../nginx/find-nginx.ts'
import { renderNginx } from '../../../nginx/render.ts'
import { recoverFromCrashes } from '../../../nginx/worker-crashes.ts'
import { UserError } from '../../../web/server/errors.ts'
import { settingDefaults } from '../../../web/shared/limits.ts'
import { hungAfterMs as defaultHungAfterMs } from '../../lib/liveness.ts'
import { lastLines } from '../../lib/logs.ts'
import { checkPort, portFailure } from '../../lib/ports.ts'
import type { ReplicaPlace } from './replicas.ts'
import type { StackOptions } from './stack-options.ts'
import { bringUp, type RunningService, spawnService } from './supervise.ts'
import type { ProcessRecord, Workspace } from './workspace.ts'

type NginxSettings = {
  program: NginxProgram
  /** it runs in this folder */
  folder: string
  host: string
  port: number
  replicas: ReplicaPlace[]
  stickySeconds: number
  limitPrivate: boolean
  trustedProxies: string[]
  /** ms without an answer after which it is killed, and then started again; null: never */
  hungAfterMs: number | null
  workers: number
  record: ProcessRecord
  report: (text: string) => void
}

/** The address to ask NGINX at: one that listens on all is asked on loopback. */
function nginxUrl(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}

/** Starts NGINX. It recovers from crashed workers under the same pid, which is reported. */
async function startNginx(settings: NginxSettings, signal: AbortSignal): Promise<RunningService> {
  const { program, folder, host, port, record, report, hungAfterMs, ...rest } = settings
  const { native, errorLogOption } = program
  const rendered = await renderNginx({ directory: folder, host, port, native, errorLogOption, ...rest })
  await rm(rendered.processLog, { force: true }) // of the NGINX before this one
  const health = `${nginxUrl(host, port)}/healthz`
  const part = {
    name: 'nginx',
    program: program.path,
    arguments: rendered.arguments,
    cwd: folder,
    environment: process.env, // for the library path of an NGINX that is built by hand; it clears the rest itself
    log: rendered.errorLog,
    record,
    readyUrl: health,
    readyWithin: 15_000,
    liveness: hungAfterMs === null ? null : { url: health, hungAfterMs },
    // SIGQUIT lets requests under way finish; open dashboards never do, so it is bounded.
    endings: [
      ['SIGQUIT', 2000],
      ['SIGTERM', 2000],
    ] satisfies [NodeJS.Signals, number][],
  }
  try {
    const running = await spawnService(part, signal)
    const recovery = recoverFromCrashes(rendered, running.pid, report)
    return {
      ...running,
      async stop() {
        await recovery.stop()
        await running.stop()
      },
    }
  } catch (error) {
    if (
      error instanceof UserError &&
      /\(98|48: .*in use\)|Address already in use/.test(await lastLines(part.log, 20))
    ) {
      throw portFailure(host, port, 'EADDRINUSE')
    }
    throw error
  }
}

const loopback = '127.0.0.1'

/** Throws UserError at once where NGINX could not be started later: known before anything else takes its time. */
export async function checkNginx(options: Pick<StackOptions, 'host' | 'port'>, find = () => findNginx()) {
  const program = await find()
  if (!program) throw new UserError('there is no nginx on this machine')
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

/** Starts NGINX in front of `replicas`; returns the address of the board. */
export async function bringUpNginx(
  options: StackOptions,
  site: Workspace,
  program: Awaited<ReturnType<typeof checkNginx>>,
  replicas: ReplicaPlace[],
): Promise<string> {
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
    folder: site.dataDir.nginx,
    host,
    port: port || (await site.freePort()),
    replicas,
    stickySeconds,
    limitPrivate,
    trustedProxies,
    hungAfterMs,
    workers: nginxWorkers,
    record: site.record,
    report: (text: string) => site.report('nginx', text),
  }
  const { kept } = await bringUp(
    'nginx',
    signal => startNginx(settings, signal),
    () => `${program.version}, ${program.native ? 'native' : 'map-based'} sticky cookie`,
    site,
  )
  site.resources.defer(kept.stop)
  return nginxUrl(settings.host, settings.port)
}
