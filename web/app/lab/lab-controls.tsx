// What the reader sets before a run of the lab, and the buttons that start and end it. lab-bench.tsx puts these beside the results.

import { type ReactNode, useRef } from 'react'
import { useFormats } from '../ui/formats.ts'
import { Action } from '../ui/frame.tsx'
import ui from '../ui/ui.module.css'
import styles from './lab.module.css'
import { expectations } from './lab-results.ts'
import { doneOf, type LabRuns } from './lab-run.ts'
import {
  concurrencies,
  defaultSlowMs,
  isOwn,
  returningVisitors,
  type Setup,
  serverToFail,
  slowChoices,
  visitCounts,
  visitsOf,
} from './lab-setup.ts'

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

/** During a run they show its set-up and are disabled. */
export function Controls({ setup, servers, running, onChange }: ControlsProps) {
  const { slow, fail } = setup
  const { whole } = useFormats()
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
          options={slowChoices.map(ms => [String(ms), `${whole(ms)} ms`] as const)}
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

export function ExpectationChoice({ setup, choice, onChoose }: ExpectationProps) {
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

/** Says before and during a run whether its visits count. */
export function RunControls({ setup, runs, servers, start, cancel, change }: RunControlsProps) {
  const running = runs.running !== null
  const noServer = servers.length === 0 && !running
  const { whole } = useFormats()
  const runButton = useRef<HTMLButtonElement>(null)
  const own = noServer ? [] : setup.policies.filter(isOwn)
  const counted = own.reduce((sum, policy) => sum + visitsOf(policy, setup), 0)
  const of = runs.setup ?? setup
  const planned = of.policies.reduce((sum, policy) => sum + visitsOf(policy, of), 0)
  const done = Object.values(runs.tallies).reduce((sum, tally) => sum + doneOf(tally), 0)
  const failing = serverToFail(servers)
  const mayFail =
    setup.experiment === 'coming-back' &&
    setup.fail === null &&
    runs.setup?.experiment === 'coming-back' &&
    failing !== null
  return (
    <div className={styles.run}>
      <p className={styles.counted} data-counted={counted > 0 ? '' : undefined}>
        {noServer
          ? 'No server can answer now.'
          : counted > 0
            ? `Real visits: ${whole(counted)} of this run are counted and logged.`
            : 'Nothing of this run is counted or logged.'}
      </p>
      <div className={styles.actions}>
        <Action
          ref={runButton}
          className={`${ui.button} ${ui.primaryButton}`}
          disabled={running || noServer}
          onPress={() => start(setup)}
        >
          {setup.policies.length === 1 ? 'Run' : `Run all ${setup.policies.length}`}
        </Action>
        <Action className={ui.button} disabled={!running} onPress={cancel}>
          Cancel
        </Action>
        {mayFail && (
          <Action
            className={ui.button}
            disabled={running}
            onPress={() => {
              // This button goes away.
              runButton.current?.focus()
              change({ fail: failing })
              start({ ...setup, fail: failing })
            }}
          >
            {`Let ${failing} fail, run again`}
          </Action>
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
