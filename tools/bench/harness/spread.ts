import { median } from './median.ts'

/** What several rounds found of one figure. */
export type Spread = { median: number; lowest: number; highest: number }

export function spreadOf(figures: number[]): Spread {
  return { median: median(figures), lowest: Math.min(...figures), highest: Math.max(...figures) }
}
