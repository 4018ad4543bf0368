import { type ChildProcess, spawn } from 'node:child_process'
import { abortOnSignals } from '../terminal.ts'

/** What runs beside a command: variables for the command's environment, and a function that ends it. */
export type Companion = { environment: Record<string, string>; stop(): Promise<void> }

/**
 * Starts a companion, runs a command beside it, and ends the companion after the command. Passes signals on to the command.
 * This process then ends in the same way as the command.
 */
export async function runBeside(
  [program, ...parameters]: string[],
  start: (signal: AbortSignal) => Promise<Companion>,
): Promise<void> {
  if (!program) return fail('usage: <this command> <command> [arguments]')
  const starting = new AbortController()
  let onSignal = (_name: NodeJS.Signals) => starting.abort()
  abortOnSignals(name => onSignal(name))
  const companion = await start(starting.signal).catch(fail)
  if (!companion) return
  try {
    if (starting.signal.aborted) return fail('stopped by a signal')
    const child = spawn(program, parameters, {
      stdio: 'inherit',
      env: { ...process.env, ...companion.environment },
    })
    onSignal = name => child.kill(name)
    const [status, signal] = await ended(child)
    process.exitCode = status ?? 1
    if (signal) process.once('exit', () => endBy(signal))
  } catch (error) {
    fail(error)
  } finally {
    await companion.stop()
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
