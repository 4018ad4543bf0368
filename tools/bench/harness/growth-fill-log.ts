import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Adds rows to the log of a board that does not run. */
export async function fillLog(databaseUrl: string, rows: number, signal: AbortSignal): Promise<void> {
  const script = join(import.meta.dirname, 'fill-log.ts')
  const child = spawn(process.execPath, [script, databaseUrl, String(rows)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal,
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`filling the log ended with status ${status}`)
}
