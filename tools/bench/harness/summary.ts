import type { Run } from './measure-run.ts'
import { median } from './median.ts'
import { type Spread, spreadOf } from './spread.ts'

/** What all rounds found of one entry: medians, but for answers and errors, which add up, and exactness, which must hold in each. */
export type Summary = {
  name: string
  page_views_per_second: Spread
  p50_ms: number
  p99_ms: number
  answers: number
  errors: number
  bytes_each: number
  cores: Run['cores']
  memory_bytes: number
  exact: boolean | null
}

export function summarise(name: string, runs: Run[]): Summary {
  const medianOf = (figure: (run: Run) => number) => median(runs.map(figure))
  const sumOf = (figure: (run: Run) => number) => runs.reduce((sum, run) => sum + figure(run), 0)
  return {
    name,
    page_views_per_second: spreadOf(runs.map(run => run.rate)),
    p50_ms: medianOf(run => run.p50Ms),
    p99_ms: medianOf(run => run.p99Ms),
    answers: sumOf(run => run.answers),
    errors: sumOf(run => run.errors),
    bytes_each: medianOf(run => run.bytesEach),
    cores: {
      servers: medianOf(run => run.cores.servers),
      nginx: medianOf(run => run.cores.nginx),
      database: medianOf(run => run.cores.database),
    },
    memory_bytes: medianOf(run => run.bytes),
    exact: runs.some(run => run.exact === null) ? null : runs.every(run => run.exact),
  }
}
