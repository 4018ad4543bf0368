import { type ChildProcess, spawn } from 'node:child_process'
import { abortOnSignals } from '../terminal.ts'

/** Something a command runs beside: what the command finds in its environment, and how to end it. */
export type Company = { environment: Record<string, string>; stop(): Promise<void> }

/**
 * Starts something, runs a command beside it, and ends it after the command, however that ended: by itself or by a
 * signal that this process gets, which is passed on. This process then ends as the command did.
 */
export async function runBeside(
  [program, ...parameters]: string[],
  start: (signal: AbortSignal) => Promise<Company>,
): Promise<void> {
  if (!program) return fail('usage: <this command> <command> [arguments]')
  const starting = new AbortController()
  let onSignal = (_name: NodeJS.Signals) => starting.abort()
  abortOnSignals(name => onSignal(name))
  const company = await start(starting.signal).catch(fail)
  if (!company) return
  try {
    if (starting.signal.aborted) return fail('told to stop')
    const child = spawn(program, parameters, {
      stdio: 'inherit',
      env: { ...process.env, ...company.environment },
    })
    onSignal = name => child.kill(name)
    const [status, signal] = await ended(child)
    process.exitCode = status ?? 1
    if (signal) process.once('exit', () => endBy(signal))
  } catch (error) {
    fail(error)
  } finally {
    await company.stop()
  }
}

type Ending = [status: number | null, signal: NodeJS.Signals | null]

function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('exit', (status, signal) => resolve([status, signal])).once('error', reject)
  })
}

function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

function fail(reason: unknown): void {
  console.error(reason instanceof Error ? reason.message : reason)
  process.exitCode = 1
}
