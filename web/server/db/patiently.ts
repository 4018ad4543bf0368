import { setTimeout as pause } from 'node:timers/promises'
import { DatabaseTrouble } from '../error-code.ts'

/** ms between two tries */
const rest = 200

/**
 * Does `work` again while the database gives trouble, for up to `patienceMs`: one that just starts, or is busy while many
 * replicas start together, gets some time. @throws the last trouble, or at once what is no trouble of the database's
 */
export async function patiently<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DatabaseTrouble) || performance.now() > deadline) throw error
      await pause(rest)
    }
  }
}
