import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../web/server/error-code.ts'
import { listGroup } from './process-table.ts'

/** How long a killed process may take to be gone, in ms: the system may be writing for it. */
const killPatience = 5_000

/**
 * Ends a process group: `signal` asks, and after `patience` ms SIGKILL makes. Says whether it is gone.
 * Throws EPERM where it belongs to another user.
 */
export async function endGroup(group: number, signal: NodeJS.Signals, patience: number): Promise<boolean> {
  if (!signalGroup(group, signal) || (await isGone(group, patience))) return true
  signalGroup(group, 'SIGKILL')
  return isGone(group, killPatience)
}

/** False when there is no such group. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

async function isGone(group: number, patience: number): Promise<boolean> {
  const deadline = performance.now() + patience
  while (isThere(group)) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}

// Signals still reach a process that has ended and waits to be taken note of; the table leaves it out.
const isThere = (group: number) => signalGroup(group, 0) && listGroup(group).length > 0
