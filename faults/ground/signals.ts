import { setTimeout as pause } from 'node:timers/promises'
import { findProcess } from '../../local/processes/process-table.ts'
import { codeOf } from '../../web/error-code.ts'
import { until } from './until.ts'

/** One that has ended meanwhile, by another fault, is left alone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** Stops a process in its tracks for `ms`. */
export async function freezeProcess(pid: number, ms: number): Promise<void> {
  signalProcess(pid, 'SIGSTOP')
  try {
    await pause(ms)
  } finally {
    signalProcess(pid, 'SIGCONT')
  }
}

export const untilEnded = (pid: number) => until(`process ${pid} has ended`, () => findProcess(pid) === null)
