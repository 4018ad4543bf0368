import { setTimeout as pause } from 'node:timers/promises'
import { findProcess, signalProcess } from '../../lib/processes.ts'
import { waitUntil } from '../../lib/wait.ts'

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

/** ms after which what a fault took away counts as gone for good */
const waitTimeoutMs = 60_000

/** Asks often, since what is measured begins when the answer is true. @throws when it is not after a minute */
export const until = (sentence: string, what: () => Promise<boolean> | boolean) =>
  waitUntil(sentence, waitTimeoutMs, what, 20)
