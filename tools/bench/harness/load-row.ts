import { kilobytes, megabytes, number } from './figure-texts.ts'
import type { Summary } from './summary.ts'

/** The columns of a table about page views under load, after the first. */
export const loadHead = [
  'page views/s',
  'from',
  'to',
  'p50 ms',
  'p99 ms',
  'errors',
  'an answer',
  'cores: servers',
  'NGINX',
  'database',
  'memory',
  'exact',
]

/** `first` is what stands in the first column. */
export function loadRow(first: string, found: Summary): string[] {
  const { median, lowest, highest } = found.page_views_per_second
  const { servers, nginx, database } = found.cores
  return [
    first,
    ...[median, lowest, highest, found.p50_ms, found.p99_ms, found.errors].map(number),
    kilobytes(found.bytes_each),
    ...[servers, nginx, database].map(number),
    megabytes(found.memory_bytes),
    found.exact === null ? '' : found.exact ? 'yes' : 'NO',
  ]
}
