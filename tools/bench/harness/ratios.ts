import type { Summary } from './summary.ts'

/** How many times the board's page views a second are those of another, by the medians. */
export type Ratios = { flask_seed: number; naive_next: number; limit: number }

export function ratiosOf(summaries: Summary[]): Ratios {
  const rate = (name: string) => {
    const found = summaries.find(summary => summary.name === name)
    if (!found) throw new Error(`${name} was not measured`)
    return found.page_views_per_second.median
  }
  const timesThatOf = (name: string) => Math.round((rate('board') / rate(name)) * 100) / 100
  return {
    flask_seed: timesThatOf('flask'),
    naive_next: timesThatOf('naive_next'),
    limit: timesThatOf('limit'),
  }
}
