import { setTimeout as pause } from 'node:timers/promises'
import { findProcess, signalProcess } from '../../lib/processes.ts'
import { waitUntil } from '../../lib/wait.ts'

/** Stops a process for `ms` (SIGSTOP, then SIGCONT). */
export async function freezeProcess(pid: number, ms: number): Promise<void> {
  signalProcess(pid, 'SIGSTOP')
  try {
    await pause(ms)
  } finally {
    signalProcess(pid, 'SIGCONT')
  }
}

export const untilEnded = (pid: number) => until(`process ${pid} has ended`, () => findProcess(pid) === null)

/** ms after which a wait fails */
const waitTimeoutMs = 60_000

/** Polls every 20 ms, because measurements start when the condition is true. @throws if it is not within a minute */
export const until = (sentence: string, what: () => Promise<boolean> | boolean) =>
  waitUntil(sentence, waitTimeoutMs, what, 20)
