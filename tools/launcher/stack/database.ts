import { type StartOptions, startDatabase } from '../database-server/start.ts'
import type { RunningPart } from './running-part.ts'

export type DatabasePart = RunningPart & {
  url: string
  replicaUrl: string
  port: number
  program: string
}

/** A start cannot be cut short without harm, so after an abort it is waited for and then undone. */
export async function startDatabasePart(options: StartOptions, signal: AbortSignal): Promise<DatabasePart> {
  signal.throwIfAborted()
  const { url, replicaUrl, port, pid, server, exited, stop } = await startDatabase(options)
  const program = `${server.flavour} ${server.version}`
  if (signal.aborted) {
    await stop()
    signal.throwIfAborted()
  }
  return { url, replicaUrl, port, pid, program, exited: exited.then(() => 'it died'), stop }
}
