import { memo, type ReactNode, useId, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { setUrlParameters, useUrlQuery } from '../ui/address-bar.ts'
import { ServerName, ShareBar } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { PhoneFold } from '../ui/phone-fold.tsx'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import styles from './lab.module.css'
import {
  bestOf,
  careText,
  confirmedChoices,
  evennessOf,
  expectations,
  type LabServer,
  labServers,
  measureOf,
  movedOf,
  msText,
  noWatch,
  percentile,
  seenText,
  visitsAt,
  watchRun,
} from './lab-results.ts'
import { doneOf, type LabRuns, runText, type Tally, useLabRuns } from './lab-run.ts'
import {
  changesOf,
  concurrencies,
  defaultSlowMs,
  isOwn,
  type Policy,
  policies,
  policyNames,
  returningVisitors,
  type Setup,
  serverToFail,
  setupOf,
  slowChoices,
  visitCounts,
  visitsOf,
} from './lab-setup.ts'

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
  const serving = labServers(servers, {})
  const names = serving.map(({ name }) => name)
  const { first, known } = useKnownNames(servers, names)
  const setup = setupOf(useUrlQuery(), first, known)
  const change = (changes: Partial<Setup>) =>
    setUrlParameters(changesOf(setup, { ...setup, ...changes }, first, known))
  const [runs, start, cancel] = useLabRuns(stickySeconds)
  const shown = labServers(servers, runs.tallies)
  const [watch, setWatch] = useState(noWatch)
  const watched = watchRun(watch, runs, servers, at)
  if (watched !== watch) setWatch(watched)
  const isOver = runs.running === null && !runs.ended
  const care = runs.setup && isOver ? careText(runs.tallies, runs.setup, watched.away) : ''
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
          start={start}
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

/** The servers to choose from, and the chosen one if it is away. */
function serverOptions(servers: string[], chosen: string | undefined): [value: string, words: string][] {
  const options: [string, string][] = ['', ...servers].map(name => [name, name || 'none'])
  return chosen === undefined || servers.includes(chosen)
    ? options
    : [...options, [chosen, `${chosen} (away)`]]
}

type ControlsProps = {
  setup: Setup
  servers: string[]
  running: boolean
  onChange(changes: Partial<Setup>): void
}

/** While a run is under way it keeps its set-up, so nothing can be changed. */
function Controls({ setup, servers, running, onChange }: ControlsProps) {
  const { slow, fail } = setup
  const slowServer = (server: string, ms: number) => onChange({ slow: server === '' ? null : { server, ms } })
  return (
    <>
      <Choices
        title="Visits of each policy"
        values={visitCounts}
        chosen={setup.visits}
        disabled={running}
        onChoose={visits => onChange({ visits })}
      />
      <Choices
        title="Concurrent visits (6: a browser’s limit)"
        values={concurrencies}
        chosen={setup.concurrency}
        disabled={running}
        onChoose={concurrency => onChange({ concurrency })}
      />
      <Choices
        title="Visitors"
        values={[false, true]}
        wordsOf={returning => (returning ? `${returningVisitors} who return` : 'all new')}
        chosen={setup.returning}
        disabled={running}
        onChoose={returning => onChange({ returning })}
      />
      <div className={styles.selects}>
        <Select
          title="Slow server"
          value={slow?.server ?? ''}
          disabled={running}
          options={serverOptions(servers, slow?.server)}
          onChoose={name => slowServer(name, slow?.ms ?? defaultSlowMs)}
        />
        <Select
          title="Slower by"
          value={String(slow?.ms ?? defaultSlowMs)}
          disabled={running || slow === null}
          options={slowChoices.map(ms => [String(ms), `${ms} ms`] as const)}
          onChoose={ms => slow && slowServer(slow.server, Number(ms))}
        />
        <Select
          title="Failing server"
          value={fail ?? ''}
          disabled={running}
          options={serverOptions(servers, fail ?? undefined)}
          onChoose={name => onChange({ fail: name === '' ? null : name })}
        />
      </div>
    </>
  )
}

type ChoicesProps<Value> = {
  title: ReactNode
  values: readonly Value[]
  wordsOf?(value: Value): string
  chosen: Value | null
  disabled?: boolean
  onChoose(value: Value): void
}

function Choices<Value extends number | string | boolean>({
  title,
  values,
  wordsOf = String,
  chosen,
  disabled = false,
  onChoose,
}: ChoicesProps<Value>) {
  return (
    <fieldset className={styles.choices} disabled={disabled}>
      <legend>{title}</legend>
      {values.map(value => (
        <button
          key={wordsOf(value)}
          type="button"
          className={ui.smallButton}
          aria-pressed={value === chosen}
          onClick={() => onChoose(value)}
        >
          {wordsOf(value)}
        </button>
      ))}
    </fieldset>
  )
}

type SelectProps = {
  title: string
  value: string
  options: (readonly [value: string, words: string])[]
  disabled: boolean
  onChoose(value: string): void
}

function Select({ title, value, options, disabled, onChoose }: SelectProps) {
  return (
    <label className={styles.select}>
      {title}
      <select
        className={ui.field}
        value={value}
        disabled={disabled}
        onChange={({ target }) => onChoose(target.value)}
      >
        {options.map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}

type ExpectationProps = { setup: Setup; choice: number | null; onChoose(choice: number): void }

function ExpectationChoice({ setup, choice, onChoose }: ExpectationProps) {
  const { question, choices } = expectations[setup.experiment]
  return (
    <Choices
      title={`What do you expect? ${question}`}
      values={[...choices.keys()]}
      wordsOf={value => choices[value] ?? ''}
      chosen={choice}
      onChoose={onChoose}
    />
  )
}

type RunControlsProps = {
  setup: Setup
  runs: LabRuns
  servers: string[]
  start(setup: Setup): Promise<void>
  cancel(): void
  change(changes: Partial<Setup>): void
}

/** Says before a run whether its visits count. */
function RunControls({ setup, runs, servers, start, cancel, change }: RunControlsProps) {
  const running = runs.running !== null
  const { whole } = useFormats()
  const counted = setup.policies.filter(isOwn).reduce((sum, policy) => sum + visitsOf(policy, setup), 0)
  const of = runs.setup ?? setup
  const planned = of.policies.reduce((sum, policy) => sum + visitsOf(policy, of), 0)
  const done = Object.values(runs.tallies).reduce((sum, tally) => sum + doneOf(tally), 0)
  const failing = serverToFail(servers)
  const mayFail =
    setup.experiment === 'coming-back' && setup.fail === null && runs.setup !== null && failing !== null
  return (
    <div className={styles.run}>
      <p className={styles.counted} data-counted={counted > 0 ? '' : undefined}>
        {counted > 0
          ? `Real visits: ${whole(counted)} of this run are counted and logged.`
          : 'Nothing of this run is counted or logged.'}
      </p>
      <div className={styles.actions}>
        <button
          type="button"
          className={`${ui.button} ${ui.primaryButton}`}
          disabled={running || servers.length === 0}
          onClick={() => start(setup)}
        >
          {setup.policies.length === 1 ? 'Run' : `Run all ${setup.policies.length}`}
        </button>
        <button type="button" className={ui.button} disabled={!running} onClick={cancel}>
          Cancel
        </button>
        {mayFail && (
          <button
            type="button"
            className={ui.button}
            disabled={running}
            onClick={() => {
              change({ fail: failing })
              start({ ...setup, fail: failing })
            }}
          >
            {`Let ${failing} fail, run again`}
          </button>
        )}
      </div>
      <progress
        className={styles.progress}
        max={planned}
        value={done}
        data-idle={running ? undefined : ''}
        aria-label="Visits answered"
      />
    </div>
  )
}

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

type ResultsProps = Omit<LabProps, 'servers' | 'at' | 'stickySeconds'> & {
  setup: Setup
  runs: LabRuns
  servers: LabServer[]
  best: Policy[]
  onChange(changes: Partial<Setup>): void
}

/** A row for each policy, from the start, so a run moves nothing. Its checkbox says whether a run has it. */
function ResultsTable({ setup, runs, servers, best, hues, onChange }: ResultsProps) {
  const { tallies, earlier, running } = runs
  function toggle(policy: Policy, chosen: boolean): void {
    const next = policyNames.filter(name => (name === policy ? chosen : setup.policies.includes(name)))
    if (next.length > 0) onChange({ policies: next })
  }
  return (
    <>
      <Table label="Policies compared" className={styles.table}>
        <TableHead>
          <Row>
            <ColumnHeader className={styles.policyColumn}>Policy</ColumnHeader>
            <ColumnHeader>
              <span className={styles.bars}>
                {servers.map(({ srv_id, name }) => (
                  <ServerName key={srv_id} name={name} hue={hues[srv_id]} />
                ))}
              </span>
            </ColumnHeader>
            <ColumnHeader className={styles.figure}>Evenness</ColumnHeader>
            <ColumnHeader className={styles.figure}>p50 ms</ColumnHeader>
            <ColumnHeader className={styles.figure}>p99 ms</ColumnHeader>
            <ColumnHeader className={styles.figure}>Slow</ColumnHeader>
            <ColumnHeader className={styles.figure}>Retries</ColumnHeader>
            <ColumnHeader className={styles.figure}>Moved</ColumnHeader>
          </Row>
        </TableHead>
        <TableBody>
          {policyNames.map(policy => (
            <PolicyRow
              key={policy}
              policy={policy}
              chosen={setup.policies.includes(policy)}
              disabled={running !== null}
              best={best.includes(policy)}
              follows={runs.setup?.returning || policy === 'hash' || policy === 'ip_hash'}
              planned={runs.setup && running !== policy ? visitsOf(policy, runs.setup) : null}
              tally={tallies[policy]}
              earlier={earlier[policy]}
              servers={servers}
              hues={hues}
              onToggle={chosen => toggle(policy, chosen)}
            />
          ))}
        </TableBody>
      </Table>
      <p className={styles.legend}>
        Tick: the equal share. Dashed: the run before. p50, p99: until the browser had the answer. Slow:
        answers that a server held back. Retries: failed tries that NGINX hid. Moved: visitors who came to
        another server than before.
      </p>
    </>
  )
}

type PolicyRowProps = {
  policy: Policy
  chosen: boolean
  disabled: boolean
  best: boolean
  /** whether it is of interest which visitors came to another server: they return, or decide where they go */
  follows: boolean
  /** visits of its run, if that has ended */
  planned: number | null
  tally: Tally | undefined
  earlier: Tally | undefined
  servers: LabServer[]
  hues: LabProps['hues']
  onToggle(chosen: boolean): void
}

function PolicyRow({
  policy,
  chosen,
  disabled,
  best,
  follows,
  planned,
  tally,
  earlier,
  servers,
  hues,
  onToggle,
}: PolicyRowProps) {
  const id = useId()
  const formats = useFormats()
  const own = isOwn(policy)
  const evenness = tally ? evennessOf(tally, servers) : null
  const { moved, of } = tally && follows ? movedOf(tally) : { moved: 0, of: 0 }
  const count = (value: number | undefined) => (own || value === undefined ? '–' : formats.whole(value))
  const does = hashNote(policy, tally?.consistent ?? earlier?.consistent)
  return (
    <Row className={`${styles.row} ${best ? styles.best : ''} ${chosen ? '' : styles.left}`}>
      <RowHeader>
        <label className={styles.policy}>
          <input
            type="checkbox"
            checked={chosen}
            disabled={disabled}
            aria-describedby={id}
            onChange={({ target }) => onToggle(target.checked)}
          />
          {policies[policy].title}
          {own && <strong className={styles.counts}>counted</strong>}
        </label>
        <p id={id} className={styles.does}>
          {tally && planned !== null && (own || doneOf(tally) < planned || tally.failed > 0)
            ? runText(policy, tally, planned)
            : does}
        </p>
      </RowHeader>
      <Cell>
        <span className={styles.bars}>
          {servers.map(server => (
            <Bar key={server.srv_id} server={server} servers={servers.length} {...{ hues, tally, earlier }} />
          ))}
        </span>
      </Cell>
      <Figure label="evenness">{evenness === null ? '–' : formats.percent(evenness)}</Figure>
      <Figure label="p50 ms">{msText(percentile(tally?.times ?? [], 0.5))}</Figure>
      <Figure label="p99 ms">{msText(percentile(tally?.times ?? [], 0.99))}</Figure>
      <Figure label="slow">{count(tally?.slow)}</Figure>
      <Figure label="retries">{count(tally?.retries)}</Figure>
      <Figure label="moved">{of === 0 ? '–' : `${moved} of ${of}`}</Figure>
    </Row>
  )
}

/** What a policy does; for the hash also what the run showed of NGINX's configuration. */
function hashNote(policy: Policy, consistent: boolean | null | undefined): string {
  const { does } = policies[policy]
  if (policy !== 'hash' || consistent === null || consistent === undefined) return does
  return consistent
    ? `${does} Consistent here: a new server moves few keys.`
    : `${does} Not consistent here: a new server moves most keys.`
}

function Figure({ label, children }: { label: string; children: string }) {
  return (
    <Cell className={styles.figure}>
      <span className={styles.value}>{children}</span>
      <span className={styles.label}>{label}</span>
    </Cell>
  )
}

type BarProps = {
  server: LabServer
  servers: number
  hues: LabProps['hues']
  tally: Tally | undefined
  earlier: Tally | undefined
}

function Bar({ server, servers, hues, tally, earlier }: BarProps) {
  const { whole } = useFormats()
  const { srv_id, name } = server
  const shareOf = (of: Tally) =>
    of.answered === 0 ? 0 : Math.round((visitsAt(of, srv_id) * 1000) / of.answered)
  return (
    <span className={styles.bar}>
      <span className={ui.visuallyHidden}>{name}</span>
      <ShareBar
        thousandths={tally ? shareOf(tally) : 0}
        hue={hues[srv_id]}
        equal={Math.round(1000 / Math.max(1, servers))}
        earlier={earlier && earlier.answered > 0 ? shareOf(earlier) : undefined}
      />
      <span className={styles.visits}>{tally ? whole(visitsAt(tally, srv_id)) : '–'}</span>
    </span>
  )
}
