import { loadHead, loadRow } from './harness/load-row.ts'
import { markdownTable } from './harness/markdown-table.ts'
import type { Summary } from './harness/summary.ts'

const names: Record<string, string> = {
  board: 'Balance Board',
  board_with_cookie: 'Balance Board, visitors with a cookie',
  flask: 'Flask behind gunicorn',
  naive_next: 'Next, a dynamic page',
  limit: 'the limit: nothing made',
  static_file: 'NGINX alone, a file',
}

export function contendersTable(summaries: Summary[]): string {
  return markdownTable(
    ['contender', ...loadHead],
    summaries.map(found => loadRow(names[found.name] ?? found.name, found)),
  )
}
