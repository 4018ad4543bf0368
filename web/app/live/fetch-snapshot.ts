import type { Snapshot } from '../../shared/api.ts'
import { isSnapshot, readAs } from './answer-guards.ts'

const timeoutMs = 4000

/** The board as it is now. @throws when there is no answer within 4 s, or one that is not a snapshot */
export async function fetchSnapshot(): Promise<Snapshot> {
  const answer = await fetch('/api/snapshot', { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  const snapshot = answer.ok ? readAs(isSnapshot, await answer.text()) : null
  if (!snapshot) throw new Error(`no snapshot, status ${answer.status}`)
  return snapshot
}
