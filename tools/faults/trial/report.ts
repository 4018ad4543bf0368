import type { Fault } from '../fault.ts'
import type { Options } from '../options.ts'
import { type Outcome, summaryOf } from './outcome.ts'
import { failedViews, type Trial, tally } from './promises.ts'
import { asMarkdown, asText, columns, markdownHead, rowOf, untoldText } from './table.ts'

export type TrialReport = {
  say(line: string): void
  /** what the stack says of one of its parts */
  part(name: string, text: string): void
  trial(trial: Trial, broken: string[]): void
  notTried(fault: Fault, reason: string): void
  end(outcomes: Outcome[]): void
}

/** Tells of trials as they end, on the terminal; as Markdown it leaves the table alone on the standard output. */
export function openReport({ markdown, verbose }: Pick<Options, 'markdown' | 'verbose'>): TrialReport {
  const say = (line: string) => (markdown ? console.error(line) : console.log(line))
  const row = (cells: string[]) => console.log(markdown ? asMarkdown(cells) : asText(cells))
  const startedAt = performance.now()
  let headed = false
  const head = () => {
    if (headed) return
    headed = true
    console.log(markdown ? markdownHead.join('\n') : asText(columns))
  }
  return {
    say,
    part: (name, text) => verbose && say(`    ${name}: ${text}`),
    trial(trial, broken) {
      head()
      row(rowOf(trial))
      const untold = untoldText(trial)
      if (untold) say(`    ${untold}`)
      if (verbose) {
        const failed = failedViews(trial)
        if (failed.length > 0) say(`    failed: ${tally(failed)}`)
        say(`    most memory of a replica: ${Math.round(trial.residue.mostMemory / 1024 / 1024)} MB`)
      }
      for (const promise of broken) say(`    BROKEN: ${promise}`)
    },
    notTried: ({ title }, reason) => say(`${title}: not tried, since ${reason}`),
    end(outcomes) {
      say(`\n${summaryOf(outcomes, (performance.now() - startedAt) / 1000)}`)
    },
  }
}
