import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../../../web/server/errors.ts'
import { findProcess, listGroup } from '../../lib/processes.ts'
import { waitUntil } from '../../lib/wait.ts'

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

/** ms after which what a fault took away counts as gone for good */
const waitTimeoutMs = 60_000

/** Asks often, since what is measured begins when the answer is true. @throws when it is not after a minute */
export const until = (sentence: string, what: () => Promise<boolean> | boolean) =>
  waitUntil(sentence, waitTimeoutMs, async () => what(), 20)
