import { memo, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { setUrlParameters, useUrlQuery } from '../ui/address-bar.ts'
import { useFormats } from '../ui/formats.ts'
import { PhoneFold } from '../ui/later.tsx'
import styles from './lab.module.css'
import { Controls, ExpectationChoice, RunControls } from './lab-controls.tsx'
import {
  bestOf,
  careText,
  confirmedChoices,
  expectations,
  measureOf,
  noWatch,
  presentServers,
  seenText,
  serversOf,
  watchRun,
} from './lab-results.ts'
import { type LabRuns, type LabServer, useLabRuns } from './lab-run.ts'
import { changesOf, type Policy, policies, type Setup, setupOf } from './lab-setup.ts'
import { ResultsTable } from './lab-table.tsx'

export type LabProps = {
  servers: ServerRow[]
  /** time of the snapshot that the servers are from */
  at: string
  hues: Hues
  /** lifetime of the sticky cookie */
  stickySeconds: number
}

/** The controls and the results of the lab. */
export const LabBench = memo(function LabBench({ servers, at, hues, stickySeconds }: LabProps) {
  const present = presentServers(servers)
  const names = present.map(({ name }) => name)
  const { first, known } = useKnownNames(servers, names)
  const next = setupOf(useUrlQuery(), first, known)
  const [runs, start, cancel] = useLabRuns(stickySeconds)
  // The reader may choose another experiment during a run. It is shown when the run is over.
  const setup = runs.running && runs.setup ? runs.setup : next
  const change = (changes: Partial<Setup>) =>
    setUrlParameters(changesOf(setup, { ...setup, ...changes }, first, known))
  const shown = runs.setup ? serversOf(runs) : present
  const [watch, setWatch] = useState(noWatch)
  const watched = watchRun(watch, runs, servers, at)
  if (watched !== watch) setWatch(watched)
  const isOver = runs.running === null && !runs.ended
  const care = runs.setup && isOver ? careText(runs.tallies, runs.setup, shown, watched) : ''
  const best = runs.setup && isOver && care === '' ? bestOf(runs.tallies, runs.setup, shown) : []
  const [expected, setExpected] = useState<{ of: Setup['experiment']; choice: number } | null>(null)
  const choice = expected?.of === setup.experiment ? expected.choice : null

  return (
    <>
      <div className={styles.controls}>
        <PhoneFold label="Set-up" className={styles.setup}>
          <Controls setup={setup} servers={names} running={runs.running !== null} onChange={change} />
        </PhoneFold>
        <ExpectationChoice
          setup={setup}
          choice={choice}
          onChoose={next => setExpected({ of: setup.experiment, choice: next })}
        />
        <RunControls
          setup={setup}
          runs={runs}
          start={chosen => start(chosen, present)}
          cancel={cancel}
          servers={names}
          change={change}
        />
      </div>
      <div>
        <Findings {...{ runs, care, best, choice }} servers={shown} experiment={setup.experiment} />
        <PhoneFold label="Policies and results">
          <ResultsTable setup={setup} runs={runs} servers={shown} best={best} hues={hues} onChange={change} />
        </PhoneFold>
      </div>
    </>
  )
})

/**
 * Names of the servers that could answer when the lab loaded, and of all that this page has had since. A server that goes away
 * or comes later changes no set-up.
 */
function useKnownNames(servers: ServerRow[], serving: string[]): { first: string[]; known: string[] } {
  const [names, setNames] = useState<{ first: string[]; known: string[] }>({ first: [], known: [] })
  const known = [...new Set([...names.known, ...servers.map(({ name }) => name)])]
  const first = names.first.length > 0 ? names.first : serving
  const now = { first, known: known.sort(asTheRows) }
  if (first.length === names.first.length && known.length === names.known.length) return names
  setNames(now)
  return now
}

/** The order that the rows of servers have. */
const asTheRows = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1)

type FindingsProps = {
  runs: LabRuns
  servers: LabServer[]
  /** why the figures are no fair comparison, or empty */
  care: string
  /** the best policies of the run; none while it runs, or if it is no fair comparison */
  best: Policy[]
  choice: number | null
  experiment: Setup['experiment']
}

/** What the last run showed, in a sentence or two. */
function Findings({ runs, servers, care, best, choice, experiment }: FindingsProps) {
  const formats = useFormats()
  const { setup, running, ended, tallies } = runs
  const title = running && policies[running].title
  const isOver = setup !== null && running === null
  const confirmed = isOver && setup.experiment === experiment ? confirmedChoices(runs, setup, servers) : []
  const expectation =
    choice === null || confirmed.length === 0 || ended
      ? ''
      : confirmed.includes(choice)
        ? 'As you expected.'
        : `You expected: ${expectations[experiment].choices[choice]}.`
  return (
    <div className={styles.findings} aria-live="polite">
      {title && <p>{`Running: ${title}`}</p>}
      {setup === null && !running && <p>Choose what you expect, then run.</p>}
      {isOver && (
        <>
          {care && <p className={styles.seen}>{care}</p>}
          <p className={care ? undefined : styles.seen}>
            {[ended, ended ? '' : seenText(tallies, setup, servers, formats.percent), expectation]
              .filter(Boolean)
              .join(' ')}
          </p>
          {best.length > 0 && <p className={styles.legend}>{`Bold: ${measureOf(setup, servers).words}.`}</p>}
        </>
      )}
    </div>
  )
}
