import { markdownTable } from '../figures/markdown-table.ts'
import type { Target } from '../targets/target.ts'

export function targetsTable(targets: Target[]): string {
  return markdownTable(
    ['target', 'asked', 'found', 'met'],
    targets.map(({ what, asked, found, met }) => [what, asked, found, met ? 'yes' : 'no']),
  )
}
