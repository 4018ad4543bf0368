import { codeOf } from '../../../web/server/error-code.ts'
import { endGroup } from '../../lib/end-group.ts'
import { findProcess, listGroup } from '../../lib/process-table.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import { type RecordedProcess, readProcessRecord, removeProcessRecord } from './process-record.ts'

/** How long a leftover may take to end in order, in ms; a replica drains for a second. */
const patience = 5_000

/**
 * Ends what a launcher that was killed left running, the last started first, and returns the names of the parts.
 * Only for who holds the lock. Throws StackFailure when one does not end.
 */
export async function endLeftovers(path: string): Promise<string[]> {
  const leftovers = readProcessRecord(path).filter(stillRuns).reverse()
  for (const leftover of leftovers) await end(leftover)
  removeProcessRecord(path)
  return leftovers.map(({ part }) => part)
}

/** Process ids are given out again, so an id alone proves nothing. */
function stillRuns({ pid, command, started }: RecordedProcess): boolean {
  const leader = findProcess(pid)
  if (leader) return leader.started === started
  // The workers of a killed NGINX go on, and keep its port. No other process gets an id that still names a group.
  return listGroup(pid).some(member => member.command === command)
}

async function end({ part, pid }: RecordedProcess): Promise<void> {
  const left = `process ${pid} (${part}) of an earlier start still runs`
  try {
    if (await endGroup(pid, 'SIGTERM', patience)) return
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
    throw new StackFailure(`${left} and belongs to another user: end it, then start again`)
  }
  throw new StackFailure(`${left} and cannot be ended: end it, then start again`)
}
