// `npm run bench:model`: measures what the board's parts cost on this machine (calibrate.ts), lets the model (simulate.ts)
// predict boards of 1, 2, 4 and 8 replicas, loads these boards in turns, and compares. Then it extrapolates to replicas and a
// database on their own machines. Exit status 1 if a prediction is off by more than 25 %. --json prints one object.
// --short only checks that everything works, and judges nothing. --extrapolate measures nothing: it takes seconds.

import { parseArgs } from 'node:util'
import { UserError } from '../../../web/server/errors.ts'
import { buildIfChanged } from '../../launcher/stack/build.ts'
import { board, type Contender, startContender } from '../contenders/contender.ts'
import { benchCommand, type Testbed } from '../harness/database.ts'
import { machineText, markdownTable, number, say } from '../harness/report.ts'
import { median } from '../harness/rounds.ts'
import {
  type CommitSample,
  costsBetween,
  costsFrom,
  type QuietSample,
  type Sample,
  type SizedCosts,
  sampleBoard,
  sampleCommits,
  sampleQuiet,
} from './calibrate.ts'
import { type Costs, type Outcome, sameNumbers, simulate } from './simulate.ts'

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    extrapolate: { type: 'boolean', default: false },
  },
})

const { sizes, rounds, seconds, warmUpSeconds } = options.short
  ? { sizes: [1, 2], rounds: 1, seconds: 1, warmUpSeconds: 1 }
  : { sizes: [1, 2, 4, 8], rounds: 3, seconds: 4, warmUpSeconds: 3 }

const connections = 64
/** Loads under which the costs are measured; the compared one is not among them. */
/** so many that the processors are busy, and other than the number that is compared */
const calibrationConnections = [16, 32, 96]
/** the share by which a prediction may be off */
const tolerance = 0.25

type Ends = { small: SizedCosts; large: SizedCosts }

type Compared = { replicas: number; coresLeft: number; measured: Figures; predicted: Figures; off: number }
type Figures = Pick<Outcome, 'hitsPerSecond' | 'batch' | 'p50Ms' | 'p99Ms'>

/** Loads for finding the costs of boards of one size */
type Calibration = { replicas: number; loaded: Sample[]; quiet: QuietSample[] }

type Measured = {
  commits: CommitSample[]
  /** of the smallest and of the largest board */
  calibrations: { small: Calibration; large: Calibration }
  boards: Map<number, Sample[]>
}

/** Everything in turns, in each round, so that changes of the machine affect all. */
async function measure(testbed: Testbed): Promise<Measured> {
  const boards = new Map<number, Contender>()
  for (const replicas of sizes) {
    const entrant = { ...board, name: `board_of_${replicas}` }
    boards.set(replicas, await startContender(testbed, entrant, { replicas }))
  }
  // The code of each replica must be warm.
  for (const [replicas, contender] of boards)
    await sampleBoard(contender, { connections, seconds: warmUpSeconds + replicas }, testbed)
  const calibrationOf = (replicas: number): Calibration => ({ replicas, loaded: [], quiet: [] })
  const calibrations = { small: calibrationOf(Math.min(...sizes)), large: calibrationOf(Math.max(...sizes)) }
  const measured: Measured = { commits: [], calibrations, boards: new Map() }
  for (let round = 1; round <= rounds; round++) {
    measured.commits.push(...(await sampleCommits(testbed, seconds / 4)))
    for (const [replicas, contender] of boards) {
      const calibration = Object.values(calibrations).find(one => one.replicas === replicas)
      if (calibration) {
        calibration.quiet.push(await sampleQuiet(contender, seconds, testbed))
        for (const connections of calibrationConnections)
          calibration.loaded.push(
            await sampleBoard(contender, { connections, seconds: Math.ceil(seconds / 2) }, testbed),
          )
      }
      const sample = await sampleBoard(contender, { connections, seconds }, testbed)
      measured.boards.set(replicas, [...(measured.boards.get(replicas) ?? []), sample])
      say(
        `round ${round}`,
        `${replicas} replicas: ${number(sample.run.rate)}/s, ${number(sample.coresLeft)} cores`,
      )
    }
  }
  for (const contender of boards.values()) await contender.stop()
  return measured
}

function compare(ends: Ends, boards: Measured['boards']): Compared[] {
  return [...boards].map(([replicas, samples]) => {
    const medianOf = (figure: (sample: Sample) => number) => median(samples.map(figure))
    const cores = medianOf(({ coresLeft }) => coresLeft)
    const costs = costsBetween(ends.small, ends.large, replicas)
    const predicted = simulate({
      ...{ costs, replicas, load: { connections }, machine: { cores }, seconds: 3, random: sameNumbers() },
    })
    const measured = {
      hitsPerSecond: medianOf(({ run }) => run.rate),
      batch: medianOf(({ hits, commits }) => hits / commits),
      p50Ms: medianOf(({ run }) => run.p50Ms),
      p99Ms: medianOf(({ run }) => run.p99Ms),
    }
    const off = predicted.hitsPerSecond / measured.hitsPerSecond - 1
    return { replicas, coresLeft: cores, measured, predicted, off }
  })
}

/**
 * Round costs of one core when the machine has little other work, so that the same tables are printed each time. The database is
 * on its own machine: 0.25 ms each way are assumed.
 */
const roundCosts: Costs = {
  front: 80e-6,
  page: 30e-6,
  batch: { base: 500e-6, perHit: 0 },
  rendering: 0.03,
  commit: { base: 300e-6, perHit: 18e-6 },
  agree: 0,
  flush: 0.2e-3,
  hop: 0.25e-3,
}

/**
 * Commits a second through one row, of 50 hits each. Measured by hand in November 2026, three nodes on two cores; for two
 * regions, the round trip of a commit.
 */
const databases = {
  'one MariaDB': { commits: null, galera: false },
  'Galera, one writer': { commits: 322, galera: true },
  'MySQL Group Replication, one primary': { commits: 198, galera: false },
  'two regions, 80 ms apart': { commits: 12, galera: false },
}

function costsOn(commits: number | null): Costs {
  const { commit } = roundCosts
  const agree = commits === null ? 0 : 1 / commits - (commit.base + 50 * commit.perHit)
  return { ...roundCosts, agree }
}

type Extrapolated = { database: string; replicas: number; outcome: Outcome }

/** Replicas with a core each, at a fixed number of page views a second */
function extrapolate(counts: number[], perSecond: number): Extrapolated[] {
  return Object.entries(databases).flatMap(([database, { commits, galera }]) =>
    counts.map(replicas => ({
      database,
      replicas,
      outcome: simulate({
        costs: costsOn(commits),
        galera,
        replicas,
        load: { perSecond },
        machine: { databaseCores: 8 },
        seconds: 4,
        random: sameNumbers(),
      }),
    })),
  )
}

const percent = (share: number) => `${number(share * 100)} %`
const micro = (seconds: number) => `${number(seconds * 1e6)} µs`

function costsTable({ small, large }: Ends): string {
  const row = (name: string, text: (costs: Costs) => string) => [name, text(small.costs), text(large.costs)]
  return markdownTable(
    ['cost', ...[small, large].map(({ replicas }) => `${replicas} replicas`)],
    [
      row('a page view, NGINX and the client', ({ front }) => micro(front)),
      row('a page view, its server', ({ page }) => micro(page)),
      row('a batch, its server', ({ batch }) => micro(batch.base)),
      row('a batch, the database', ({ commit }) => `${micro(commit.base)} + ${micro(commit.perHit)} a hit`),
      row('a batch, waiting for the disk and the answer', ({ flush }) => micro(flush)),
      row('rendering, each server', ({ rendering }) => `${number(rendering)} cores`),
    ],
  )
}

function comparedTable(compared: Compared[]): string {
  const cell = (figure: keyof Figures) => (row: Compared) =>
    [row.measured[figure], row.predicted[figure]].map(number)
  return markdownTable(
    [
      'replicas',
      'cores left',
      'page views/s',
      'model',
      'off',
      'batch',
      'model',
      'p50 ms',
      'model',
      'p99 ms',
      'model',
    ],
    compared.map(row => [
      number(row.replicas),
      number(row.coresLeft),
      ...cell('hitsPerSecond')(row),
      percent(row.off),
      ...cell('batch')(row),
      ...cell('p50Ms')(row),
      ...cell('p99Ms')(row),
    ]),
  )
}

function extrapolatedTable(rows: Extrapolated[]): string {
  return markdownTable(
    ['database', 'replicas', 'hits/s', 'commits/s', 'batch', 'p50 ms', 'p99 ms', 'failed'],
    rows.map(({ database, replicas, outcome }) => [
      database,
      ...[replicas, outcome.hitsPerSecond, outcome.commitsPerSecond, outcome.batch].map(number),
      ...[outcome.p50Ms, outcome.p99Ms].map(number),
      percent(outcome.failed),
    ]),
  )
}

/** Of each database the most replicas with which no page view fails, and the next step. */
function edges(rows: Extrapolated[]): Extrapolated[] {
  const isEdge = (row: Extrapolated, other: Extrapolated | undefined) =>
    other?.database === row.database && other.outcome.failed > 0 !== row.outcome.failed > 0
  return rows.filter((row, index) => isEdge(row, rows[index - 1]) || isEdge(row, rows[index + 1]))
}

function printExtrapolated(): void {
  const few = extrapolate([10, 100, 1000], 10_000)
  const limits = edges(extrapolate([2, 4, 6, 8, 10, 60, 100, 160, 200, 300, 400, 1000], 3000))
  console.log(`The model with 10,000 page views/s:\n\n${extrapolatedTable(few)}\n`)
  console.log(`With 3,000 page views/s, where page views begin to fail:\n\n${extrapolatedTable(limits)}\n`)
}

async function compareWithBoards(testbed: Testbed): Promise<void> {
  await buildIfChanged(say, testbed.signal)
  const { commits, calibrations, boards } = await measure(testbed)
  const costsOf = ({ replicas, loaded, quiet }: Calibration): SizedCosts => ({
    replicas,
    costs: costsFrom(replicas, commits, loaded, quiet),
  })
  const ends: Ends = { small: costsOf(calibrations.small), large: costsOf(calibrations.large) }
  const compared = compare(ends, boards)
  const machine = await machineText()
  if (options.json) console.log(JSON.stringify({ machine, costs: ends, compared }))
  else console.log([machine, costsTable(ends), comparedTable(compared)].join('\n\n'))
  const inexact = [...boards.values()].flat().filter(({ run }) => run.exact === false)
  if (inexact.length > 0) throw new UserError('a board did not count every page view once')
  const wrong = compared.filter(({ off }) => Math.abs(off) > tolerance).map(({ replicas }) => replicas)
  if (wrong.length > 0 && !options.short)
    throw new UserError(
      `the model is off by more than ${percent(tolerance)} for ${wrong.join(', ')} replicas`,
    )
}

if (!options.json) printExtrapolated()
if (!options.extrapolate) await benchCommand(compareWithBoards)
