import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../../lib/visitors.ts'
import type { Need } from './equipment.ts'
import { type Random, replicas, type Testbed } from './testbed.ts'

/**
 * What a page view may get instead of its number:
 * - unavailable: 503 with Retry-After from a replica, or `overloaded` from NGINX, above its limit of waiting page views
 * - no-replica: 503 from NGINX, in place of a 502
 * - silence: no answer
 */
export type Allowed = 'unavailable' | 'no-replica' | 'silence'

export type Fault = {
  /** for `--only` */
  name: string
  /** in the table */
  title: string
  /** default: none, every page view is answered 200 */
  allows?: Allowed[]
  /** ms after the injection; a page view that starts later must not fail; default: no bound */
  allowsForMs?: number
  /** number of replicas it makes unavailable; default: 0 */
  replicasLost?: number
  /** Without this equipment the fault is not tried. */
  needs?: Need[]
  /** ms from the end of the cause until service has recovered; default: `usualRecoveryMs` */
  recoversWithinMs?: number
  /**
   * how many batches of a replica can be in flight when their page views time out; default: three, those at the fault's
   * start and end, and the batch that waits behind the latter
   */
  batchesInFlight?: number
  /** limit for the slowest answer; default: 3,000 */
  slowestMs?: number
  /** The database's clock is set back, so a log row may be earlier than the row before; default: no. */
  setsClockBack?: boolean
  /** Resolves when the cause is gone. The recovery is left to the board. */
  inject(testbed: Testbed): Promise<void>
  /** Checks further promises of the fault after recovery, and adds broken ones to `testbed.complaints`. */
  check?(testbed: Testbed, trial: { views: Answer[]; injectedAt: number; overAt: number }): Promise<void>
}

export const usualBatchesInFlight = 3

/** ms until service is back after the cause is gone, for example after the database's return */
export const usualRecoveryMs = 5000
/** ms until a dead process runs again, which depends on its start time on this machine */
export const restartMs = 30_000

/** longest delay between the two faults of a pair, in ms */
const longestDelayMs = 3000

/** Two faults at the same time. A page view may fail as under either fault, and recovery may take longer. */
export function combine(first: Fault, second: Fault, random: Random): Fault {
  const delay = random.between(0, longestDelayMs)
  const replicasLost = (first.replicasLost ?? 0) + (second.replicasLost ?? 0)
  const allows = new Set([...(first.allows ?? []), ...(second.allows ?? [])])
  // No replica may be left, and the first to return gets the load of all.
  if (replicasLost >= replicas) allows.add('no-replica').add('unavailable')
  return {
    name: `${first.name}+${second.name}`,
    title: `${first.title}; after ${(delay / 1000).toFixed(1)} s ${second.title}`,
    allows: [...allows],
    replicasLost,
    needs: [...(first.needs ?? []), ...(second.needs ?? [])],
    recoversWithinMs: restartMs,
    slowestMs: 10_000,
    batchesInFlight:
      (first.batchesInFlight ?? usualBatchesInFlight) + (second.batchesInFlight ?? usualBatchesInFlight),
    async inject(shared) {
      // The further promises of a fault hold only without other faults: their complaints are ignored.
      const testbed = { ...shared, complaints: [] }
      const later = async () => {
        await pause(delay)
        await second.inject(testbed)
      }
      await Promise.all([first.inject(testbed), later()])
    },
  }
}

/** `count` random pairs of different faults */
export function randomPairs(faults: Fault[], count: number, random: Random): Fault[] {
  return Array.from({ length: count }, () => {
    const first = random.between(0, faults.length - 1)
    const second = (first + random.between(1, faults.length - 1)) % faults.length
    return [faults[first], faults[second]].filter(fault => fault !== undefined)
  }).flatMap(([first, second]) => (first && second ? [combine(first, second, random)] : []))
}
