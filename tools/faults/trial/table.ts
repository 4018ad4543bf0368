import { failedViews, slowestView, type Trial } from './promises.ts'

export const columns = [
  'fault',
  'page views',
  'failed',
  'lost',
  'counted twice',
  'slowest',
  'time to recover',
]

/** A trial as a row of the table. */
export function rowOf(trial: Trial): string[] {
  const { fault, views, findings, recovery } = trial
  return [
    fault.title,
    count(views.length),
    count(failedViews(trial).length),
    count(findings.lost.length),
    count(findings.countedTwice.length),
    seconds(slowestView(trial)),
    recovery === null ? 'never' : seconds(recovery),
  ]
}

const count = (number: number) => number.toLocaleString('en')
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

const widths = [56, 12, 8, 6, 15, 9, 17]

/** For a terminal, where each row is printed as it comes. */
export const asText = (cells: string[]) =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(56) : cell.padStart(widths[index] ?? 0))).join('')

/** For the README. */
export const asMarkdown = (cells: string[]) => `| ${cells.join(' | ')} |`
export const markdownHead = [asMarkdown(columns), `| --- |${' ---: |'.repeat(columns.length - 1)}`]

/** What a number in the log that nobody was told of is laid to; null = there is none. */
export function untoldText({ findings }: Trial): string | null {
  const { inDoubt, unheard } = findings
  const parts: string[] = []
  if (inDoubt.length > 0) parts.push(`${named(inDoubt)} of page views told that they may be`)
  if (unheard.length > 0) parts.push(`${named(unheard)} of visitors that got no answer`)
  return parts.length > 0 ? `in the log, and told to nobody: ${parts.join('; ')}` : null
}

/** Each by its number; a run of them by its ends. */
function named(hits: { id: number }[]): string {
  const runs: [number, number][] = []
  for (const { id } of hits) {
    const last = runs.at(-1)
    if (last?.[1] === id - 1) last[1] = id
    else runs.push([id, id])
  }
  return `${hits.length} (${runs.map(([from, to]) => (from === to ? from : `${from}–${to}`)).join(', ')})`
}
