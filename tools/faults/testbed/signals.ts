import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../../../web/server/error-code.ts'
import { findProcess, listGroup } from '../../lib/process-table.ts'
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

/** The workers of the NGINX whose master is `pid`, without those that are told to end and finish what they have. */
export const nginxWorkers = (pid: number) =>
  listGroup(pid)
    .map(process => process.pid)
    .filter(member => titleOf(member) === 'nginx: worker process')

/** What NGINX says that a process does; '' when it has ended. */
function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0.*$/s, '')
  } catch {
    return ''
  }
}
