import { rm } from 'node:fs/promises'
import type { NginxProgram } from '../../../nginx/find-nginx.ts'
import { renderNginx } from '../../../nginx/render.ts'
import { recoverFromCrashes } from '../../../nginx/worker-crashes.ts'
import { lastLines } from '../../lib/log-file.ts'
import { portFailure } from '../../lib/ports.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import type { ProcessRecord } from './process-record.ts'
import type { ReplicaPlace } from './replica.ts'
import type { RunningPart } from './running-part.ts'
import { spawnPart } from './spawn-part.ts'

export type NginxSettings = {
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
export function nginxUrl(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}

/** Starts NGINX. It recovers from crashed workers under the same pid, which is reported. */
export async function startNginx(settings: NginxSettings, signal: AbortSignal): Promise<RunningPart> {
  const { program, folder, host, port, record, report, hungAfterMs, ...rest } = settings
  const { native } = program
  const rendered = await renderNginx({ directory: folder, host, port, native, ...rest })
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
    const running = await spawnPart(part, signal)
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
      error instanceof StackFailure &&
      /\(98|48: .*in use\)|Address already in use/.test(await lastLines(part.log, 20))
    ) {
      throw portFailure(host, port, 'EADDRINUSE')
    }
    throw error
  }
}
