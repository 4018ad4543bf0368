import type { History } from '../../shared/api.ts'

/** Where in the history a time stands, 0 to 1. */
export function placeOf(at: string, { times, step }: Pick<History, 'times' | 'step'>): number {
  const start = Date.parse(times[0] ?? at)
  return Math.min(1, (Date.parse(at) - start) / (times.length * step * 1000))
}
