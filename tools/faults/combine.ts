import { setTimeout as pause } from 'node:timers/promises'
import { afterRestart, type Fault, usualCatches } from './fault.ts'
import { replicas } from './testbed/ground.ts'
import type { Random } from './testbed/random.ts'

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
