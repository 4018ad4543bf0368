import { markdownTable } from './harness/markdown-table.ts'
import type { Target } from './target.ts'

export function targetsTable(targets: Target[]): string {
  return markdownTable(
    ['target', 'asked', 'found', 'met'],
    targets.map(({ what, asked, found, met }) => [what, asked, found, met ? 'yes' : 'no']),
  )
}
