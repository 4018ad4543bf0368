import { kilobytes, megabytes, number } from '../figures/figure-texts.ts'
import { markdownTable } from '../figures/markdown-table.ts'
import type { Summary } from '../rounds/summary.ts'

const names: Record<string, string> = {
  board: 'Balance Board',
  board_with_cookie: 'Balance Board, visitors with a cookie',
  flask: 'Flask behind gunicorn',
  naive_next: 'Next, a dynamic page',
  limit: 'the limit: nothing made',
  static_file: 'NGINX alone, a file',
}

const head = [
  'contender',
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

export function contendersTable(summaries: Summary[]): string {
  return markdownTable(
    head,
    summaries.map(found => [
      names[found.name] ?? found.name,
      number(found.page_views_per_second.median),
      number(found.page_views_per_second.lowest),
      number(found.page_views_per_second.highest),
      number(found.p50_ms),
      number(found.p99_ms),
      number(found.errors),
      kilobytes(found.bytes_each),
      number(found.cores.servers),
      number(found.cores.nginx),
      number(found.cores.database),
      megabytes(found.memory_bytes),
      found.exact === null ? '' : found.exact ? 'yes' : 'NO',
    ]),
  )
}
