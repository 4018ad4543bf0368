import type { NewHits } from './new-hits.ts'

/** Dots for one look at the board, of which there are two a second: so 60 a second at the most. */
const mostDots = 30
/** Looks after which a rush is over. */
const remembered = 6

export type Sampling = {
  /** visits that one dot stands for */
  worth: number
  /** hits of the last looks, newest first */
  recent: number[]
  /** by server, what was left over when its hits were turned into dots */
  left: ReadonlyMap<number, number>
}

export const noSampling: Sampling = { worth: 1, recent: [], left: new Map() }

/** How many dots each server gets for what came in, and the sampling from then on. What is left over counts next time. */
export function sample(before: Sampling, hits: NewHits): [Sampling, NewHits] {
  const total = [...hits.values()].reduce((sum, count) => sum + count, 0)
  const recent = [total, ...before.recent].slice(0, remembered)
  const worth = roundWorth(Math.max(...recent) / mostDots)
  const kept = worth === before.worth ? before.left : new Map<number, number>()
  const left = new Map(kept)
  const dots: NewHits = new Map()
  for (const [server, count] of hits) {
    const due = count + (kept.get(server) ?? 0)
    if (due >= worth) dots.set(server, Math.floor(due / worth))
    left.set(server, due % worth)
  }
  return [{ worth, recent, left }, dots]
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundWorth(least: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= least) return step * power
  }
}
