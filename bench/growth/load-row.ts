import { megabytes, number } from '../figures/figure-texts.ts'
import type { Summary } from '../rounds/summary.ts'

/** The columns of a table about page views under load, after the first. */
export const loadHead = [
  'page views/s',
  'from',
  'to',
  'p50 ms',
  'p99 ms',
  'errors',
  'cores: servers',
  'NGINX',
  'database',
  'memory',
  'exact',
]

export function loadRow(step: string, found: Summary): string[] {
  const { median, lowest, highest } = found.page_views_per_second
  const { servers, nginx, database } = found.cores
  return [
    step,
    ...[median, lowest, highest, found.p50_ms, found.p99_ms, found.errors, servers, nginx, database].map(
      number,
    ),
    megabytes(found.memory_bytes),
    found.exact ? 'yes' : 'NO',
  ]
}
