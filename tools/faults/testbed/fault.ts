import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../../lib/visitors.ts'
import type { Need } from './equipment.ts'
import { type Random, replicas, type Testbed } from './testbed.ts'

/**
 * What a page view may meet instead of its number. unavailable: 503 with Retry-After, from a replica, or `overloaded` from
 * NGINX, when more wait than it lets in. no-replica: 503 from NGINX, which is what it makes of a 502. silence: no answer.
 */
export type Allowed = 'unavailable' | 'no-replica' | 'silence'

export type Fault = {
  /** what `--only` calls it */
  name: string
  /** what the table calls it */
  title: string
  /** none: every page view is answered 200 */
  allows: Allowed[]
  /** ms after the fault's beginning in which a page view must have begun to fail as `allows` says; default: no bound */
  allowsFor?: number
  /** how many replicas it takes away; default: none */
  takes?: number
  /** what not every machine offers; where it is missing the fault is not tried */
  needs?: Need[]
  /** ms in which all is as before, once its cause is gone */
  recoversWithin: number
  /**
   * how many batches of a replica can be in flight when their page views' time is up; default: three, the one when it begins,
   * the one when it is over, and the one that waited behind that
   */
  catches?: number
  /** ms that the slowest answer may take; default: 3,000 */
  slowest?: number
  /** the database's clock is set back, so a row of the log may have an earlier time than the row before; default: no */
  setsClockBack?: boolean
  /** Brings it about, and resolves when its cause is gone: what is left to do then is the board's own. */
  inject(ground: Testbed): Promise<void>
  /** Looks at what the fault promises beyond that, once all is well again, and notes in `ground.complaints` what is not so. */
  check?(ground: Testbed, trial: { views: Answer[]; injectedAt: number; overAt: number }): Promise<void>
}

export const usualCatches = 3

/** ms until service is back once the database is. */
export const afterDatabase = 5000
/** ms until a process that died is there again, which takes as long as its start on this machine. */
export const afterRestart = 30_000

/** ms by which the second of two may come later */
const latest = 3000

/** Two faults at once: what either alone may do to a page view, both together may, and take longer over it. */
export function combine(first: Fault, second: Fault, random: Random): Fault {
  const delay = random.between(0, latest)
  const takes = (first.takes ?? 0) + (second.takes ?? 0)
  const allows = new Set([...first.allows, ...second.allows])
  // They can leave none; the first that is back gets what all should have had.
  if (takes >= replicas) allows.add('no-replica').add('unavailable')
  return {
    name: `${first.name}+${second.name}`,
    title: `${first.title}; after ${(delay / 1000).toFixed(1)} s ${second.title}`,
    allows: [...allows],
    takes,
    needs: [...(first.needs ?? []), ...(second.needs ?? [])],
    recoversWithin: afterRestart,
    slowest: 10_000,
    catches: (first.catches ?? usualCatches) + (second.catches ?? usualCatches),
    async inject(shared) {
      // What either promises beyond the usual it promises for a board where nothing else is wrong.
      const ground = { ...shared, complaints: [] }
      const later = async () => {
        await pause(delay)
        await second.inject(ground)
      }
      await Promise.all([first.inject(ground), later()])
    },
  }
}

/** `count` pairs of different faults, by chance. */
export function randomPairs(faults: Fault[], count: number, random: Random): Fault[] {
  return Array.from({ length: count }, () => {
    const first = random.between(0, faults.length - 1)
    const second = (first + random.between(1, faults.length - 1)) % faults.length
    return [faults[first], faults[second]].filter(fault => fault !== undefined)
  }).flatMap(([first, second]) => (first && second ? [combine(first, second, random)] : []))
}
