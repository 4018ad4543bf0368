import type { Fault } from '../testbed/fault.ts'
import { failedViews, type Outcome, slowestView, summaryOf, type Trial, tally } from './promises.ts'

export type TrialReport = {
  say(line: string): void
  /** a message of the stack about one of its processes */
  stack(name: string, text: string): void
  trial(trial: Trial, broken: string[]): void
  notTried(fault: Fault, reason: string): void
  end(outcomes: Outcome[]): void
}

/** Reports trials as they end. With `markdown`, standard output holds only the table. */
export function openReport({ markdown, verbose }: { markdown: boolean; verbose: boolean }): TrialReport {
  const say = (line: string) => (markdown ? console.error(line) : console.log(line))
  const row = (cells: string[]) => console.log(markdown ? asMarkdown(cells) : asText(cells))
  const startedAt = performance.now()
  let hasHead = false
  const head = () => {
    if (hasHead) return
    hasHead = true
    console.log(markdown ? markdownHead.join('\n') : asText(columns))
  }
  return {
    say,
    stack: (name, text) => verbose && say(`    ${name}: ${text}`),
    trial(trial, broken) {
      head()
      row(rowOf(trial))
      const unreported = unreportedText(trial)
      if (unreported) say(`    ${unreported}`)
      if (verbose) {
        const failed = failedViews(trial)
        if (failed.length > 0) say(`    failed: ${tally(failed)}`)
        say(`    peak memory of a replica: ${Math.round(trial.residue.mostMemory / 1024 / 1024)} MB`)
      }
      for (const promise of broken) say(`    BROKEN: ${promise}`)
    },
    notTried: ({ title }, reason) => say(`${title}: not tried, because ${reason}`),
    end(outcomes) {
      say(`\n${summaryOf(outcomes, (performance.now() - startedAt) / 1000)}`)
    },
  }
}

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

/** For a terminal: fixed widths, because each row is printed as it comes */
const asText = (cells: string[]) =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(56) : cell.padStart(widths[index] ?? 0))).join('')

/** for docs/faults.md */
export const asMarkdown = (cells: string[]) => `| ${cells.join(' | ')} |`
const markdownHead = [asMarkdown(columns), `| --- |${' ---: |'.repeat(columns.length - 1)}`]

/** Explains the log rows whose number no answer carried; null if there are none */
export function unreportedText({ findings }: Trial): string | null {
  const { inDoubt, unanswered } = findings
  const causes: string[] = []
  if (inDoubt.length > 0) causes.push(`${named(inDoubt)} of page views answered as possibly counted`)
  if (unanswered.length > 0) causes.push(`${named(unanswered)} of visitors that got no answer`)
  return causes.length > 0 ? `in the log, and in no answer: ${causes.join('; ')}` : null
}

/** "4 (1–3, 9)": single numbers, and runs by their ends */
function named(hits: { id: number }[]): string {
  const runs: [number, number][] = []
  for (const { id } of hits) {
    const last = runs.at(-1)
    if (last?.[1] === id - 1) last[1] = id
    else runs.push([id, id])
  }
  return `${hits.length} (${runs.map(([from, to]) => (from === to ? from : `${from}–${to}`)).join(', ')})`
}
