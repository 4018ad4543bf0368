// `npm run bench:model`: measures what the board's parts cost on this machine (calibrate.ts), lets the model (simulate.ts)
// predict boards of 1, 2, 4 and 8 replicas, loads these boards in turns, and compares. Then it extrapolates to replicas and a
// database on their own machines. Exit status 1 if a prediction is off by more than 25 %. --json prints one object.
// --short only checks that everything works, and judges nothing.

import { parseArgs } from 'node:util'
import { UserError } from '../../../web/server/errors.ts'
import { buildIfChanged } from '../../launcher/build.ts'
import { type Contender, startContender } from '../contenders/contender.ts'
import { board } from '../contenders/entrants.ts'
import { machineText, markdownTable, number, say } from '../harness/report.ts'
import { median } from '../harness/rounds.ts'
import { benchCommand, type Testbed } from '../harness/testbed.ts'
import { type CommitSample, costsFrom, type Sample, sampleBoard, sampleCommits } from './calibrate.ts'
import { type Costs, type Outcome, simulate } from './simulate.ts'

const { values: options } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})

const { sizes, rounds, seconds, warmUpSeconds } = options.short
  ? { sizes: [1, 2], rounds: 1, seconds: 1, warmUpSeconds: 1 }
  : { sizes: [1, 2, 4, 8], rounds: 3, seconds: 4, warmUpSeconds: 3 }

const connections = 64
/** Loads under which the costs are measured; the compared one is not among them. */
const calibrationConnections = [2, 8, 32]
/** the share by which a prediction may be off */
const tolerance = 0.25

type Compared = { replicas: number; coresLeft: number; measured: Figures; predicted: Figures; off: number }
type Figures = Pick<Outcome, 'hitsPerSecond' | 'batch' | 'p50Ms' | 'p99Ms'>

type Measured = { commits: CommitSample[]; calibration: Sample[]; boards: Map<number, Sample[]> }

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
  const measured: Measured = { commits: [], calibration: [], boards: new Map() }
  for (let round = 1; round <= rounds; round++) {
    measured.commits.push(...(await sampleCommits(testbed, seconds / 4)))
    for (const [replicas, contender] of boards) {
      if (replicas === 1)
        for (const connections of calibrationConnections)
          measured.calibration.push(
            await sampleBoard(contender, { connections, seconds: Math.ceil(seconds / 2) }, testbed),
          )
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

function compare(costs: Costs, boards: Measured['boards']): Compared[] {
  return [...boards].map(([replicas, samples]) => {
    const medianOf = (figure: (sample: Sample) => number) => median(samples.map(figure))
    const cores = medianOf(({ coresLeft }) => coresLeft)
    const predicted = simulate({
      ...{ costs, replicas, load: { connections }, machine: { cores }, seconds: 3, random: Math.random },
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

/** Databases whose machines are their own. `commits`: a second, of 50 hits each, through one row. */
const databases = [
  {
    name: 'as measured here, on its own machine',
    commits: null,
    source: 'this run; 0.25 ms each way assumed',
  },
  { name: 'Galera, one writer', commits: 322, source: 'measured once on two cores, three nodes' },
  {
    name: 'MySQL Group Replication, one primary',
    commits: 198,
    source: 'measured once on two cores, three nodes',
  },
  { name: 'a second region agrees, 80 ms away', commits: 12, source: 'a commit costs a round trip' },
]
const publishedBatch = 50
const hop = 0.25e-3
const offered = 10_000

type Extrapolated = { database: string; replicas: number; outcome: Outcome }

/** What the model says of replicas with a core each, at a fixed number of page views a second. */
function extrapolate(costs: Costs): Extrapolated[] {
  return databases.flatMap(({ name, commits }) => {
    const alone = costs.commit.base + publishedBatch * costs.commit.perHit
    const agree = commits === null ? 0 : Math.max(0, 1 / commits - alone)
    return [10, 100, 1000].map(replicas => ({
      database: name,
      replicas,
      outcome: simulate({
        costs: { ...costs, hop, agree },
        replicas,
        load: { perSecond: offered },
        machine: { databaseCores: 8 },
        seconds: options.short ? 1 : 5,
        random: Math.random,
      }),
    }))
  })
}

const percent = (share: number) => `${number(share * 100)} %`
const micro = (seconds: number) => `${number(seconds * 1e6)} µs`

function costsTable({ front, page, batch, rendering, commit, flush }: Costs): string {
  return markdownTable(
    ['cost', 'measured'],
    [
      ['a page view, NGINX and the client', micro(front)],
      ['a page view, its server', micro(page)],
      ['a batch, its server', micro(batch.base)],
      ['a batch, the database', `${micro(commit.base)} + ${micro(commit.perHit)} a hit`],
      ['a batch, waiting for the disk and the answer', micro(flush)],
      ['rendering, each server', `${number(rendering)} cores`],
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

await benchCommand(async testbed => {
  await buildIfChanged(say, testbed.signal)
  const { commits, calibration, boards } = await measure(testbed)
  const costs = costsFrom(commits, calibration)
  const compared = compare(costs, boards)
  const extrapolated = extrapolate(costs)
  const machine = await machineText()
  if (options.json) console.log(JSON.stringify({ machine, costs, compared, extrapolated }))
  else {
    console.log([machine, costsTable(costs), comparedTable(compared)].join('\n\n'))
    console.log(`\nThe model with ${number(offered)} page views/s, a core for each replica:\n`)
    console.log(extrapolatedTable(extrapolated))
  }
  const inexact = [...boards].filter(([, samples]) => samples.some(({ run }) => run.exact === false))
  if (inexact.length > 0) throw new UserError('a board did not count every page view once')
  const wrong = compared.filter(({ off }) => Math.abs(off) > tolerance)
  if (wrong.length > 0 && !options.short)
    throw new UserError(
      `the model is off by more than ${percent(tolerance)} for ${wrong.map(({ replicas }) => replicas).join(', ')} replicas`,
    )
})
