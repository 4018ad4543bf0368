import type { Count, Testbed } from './database.ts'
import { type Load, type LoadResult, runWrk } from './load.ts'
import { kilobytes, megabytes, number, say } from './report.ts'
import { idleSeconds, ownUsage, readUsage, watchCores } from './usage.ts'

/** One line of the comparison: the address to load, and the processes that serve it */
export type Entry = {
  name: string
  url: string
  /** srv_ids that visitors send in turns; empty for new visitors */
  cookies: string[]
  /** process groups */
  servers: number[]
  nginx: number
  /** null if nothing is counted */
  count: Count | null
}

/** Measures every entry once per round, so that changes of the machine affect all. Keeps the entries' order. */
export async function takeTurns(
  entries: Entry[],
  rounds: number,
  load: Omit<Load, 'cookies'>,
  testbed: Testbed,
): Promise<{ name: string; runs: Run[] }[]> {
  const results = entries.map(entry => ({ entry, name: entry.name, runs: [] as Run[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const { entry, name, runs } of results) {
      const run = await measureRun(entry, load, testbed)
      runs.push(run)
      say(`round ${round}`, `${name}: ${number(run.rate)}/s${run.exact === false ? ', NOT EXACT' : ''}`)
    }
  }
  return results.map(({ name, runs }) => ({ name, runs }))
}

export type Run = LoadResult & {
  /** average number in use */
  cores: { servers: number; nginx: number; database: number }
  /** the load itself: its s, the processor s of wrk, and the s of all cores in which none worked */
  load: { seconds: number; client: number; idle: number }
  /** memory of all its servers together, at the end */
  bytes: number
  /** whether each page view was counted once; null if nothing is counted */
  exact: boolean | null
}

/** Loads one entry, and measures what that costs and whether the count is right. */
export async function measureRun(entry: Entry, load: Omit<Load, 'cookies'>, testbed: Testbed): Promise<Run> {
  const from = (await entry.count?.read()) ?? 0
  const cores = {
    servers: watchCores(entry.servers),
    nginx: watchCores([entry.nginx]),
    database: watchCores([testbed.databasePid]),
  }
  const machine = () => ({
    seconds: performance.now() / 1000,
    client: ownUsage().children,
    idle: idleSeconds(),
  })
  const before = machine()
  const result = await runWrk(entry.url, { ...load, cookies: entry.cookies }, testbed.signal)
  const after = machine()
  const used = { servers: cores.servers(), nginx: cores.nginx(), database: cores.database() }
  const count = await entry.count?.check(from)
  return {
    ...result,
    cores: used,
    load: {
      seconds: after.seconds - before.seconds,
      client: after.client - before.client,
      idle: after.idle - before.idle,
    },
    bytes: readUsage(entry.servers).bytes,
    exact: count ? isExact({ from, ...count }, result, load.connections) : null,
  }
}

/**
 * Whether a run was counted exactly: every answer is in the count. Beyond the answers, only failed page views and those in
 * flight at the end may be.
 */
export function isExact(
  counted: { from: number; counter: number; consistent: boolean },
  result: { answers: number; errors: number },
  connections: number,
): boolean {
  const added = counted.counter - counted.from
  return (
    counted.consistent &&
    added >= result.answers - result.errors &&
    added <= result.answers + result.errors + connections
  )
}

/** All rounds of one entry: medians, sums of answers and errors, and exact only if every round was */
export type Summary = {
  name: string
  page_views_per_second: Spread
  p50_ms: number
  p99_ms: number
  answers: number
  errors: number
  bytes_each: number
  cores: Run['cores']
  memory_bytes: number
  exact: boolean | null
}

export function summarise(name: string, runs: Run[]): Summary {
  const medianOf = (figure: (run: Run) => number) => median(runs.map(figure))
  const sumOf = (figure: (run: Run) => number) => runs.reduce((sum, run) => sum + figure(run), 0)
  return {
    name,
    page_views_per_second: spreadOf(runs.map(run => run.rate)),
    p50_ms: medianOf(run => run.p50Ms),
    p99_ms: medianOf(run => run.p99Ms),
    answers: sumOf(run => run.answers),
    errors: sumOf(run => run.errors),
    bytes_each: medianOf(run => run.bytesEach),
    cores: {
      servers: medianOf(run => run.cores.servers),
      nginx: medianOf(run => run.cores.nginx),
      database: medianOf(run => run.cores.database),
    },
    memory_bytes: medianOf(run => run.bytes),
    exact: runs.some(run => run.exact === null) ? null : runs.every(run => run.exact),
  }
}

type Spread = { median: number; lowest: number; highest: number }

function spreadOf(figures: number[]): Spread {
  return { median: median(figures), lowest: Math.min(...figures), highest: Math.max(...figures) }
}

/** @throws on an empty list */
export function median(figures: number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (upper === undefined || lower === undefined) throw new Error('an empty list has no median')
  return (lower + upper) / 2
}

/** @throws if it was not measured */
export function summaryOf(name: string, summaries: Summary[]): Summary {
  const summary = summaries.find(each => each.name === name)
  if (!summary) throw new Error(`${name} was not measured`)
  return summary
}

/** The board's median page views per second divided by another contender's */
export type Ratios = { flask_seed: number; naive_next: number; limit: number }

export function ratiosOf(summaries: Summary[]): Ratios {
  const rate = (name: string) => summaryOf(name, summaries).page_views_per_second.median
  const ratioTo = (name: string) => Math.round((rate('board') / rate(name)) * 100) / 100
  return {
    flask_seed: ratioTo('flask'),
    naive_next: ratioTo('naive_next'),
    limit: ratioTo('limit'),
  }
}

/** Page views per second with that many replicas, each a median */
type RatesOfReplicas = {
  replicas: number
  page_views_per_second: number
  limit: { page_views_per_second: number }
}

/** With three and with eight replicas divided by one: the board's rates, and the limit's. Null if one was not measured */
export function replicaRatios(steps: RatesOfReplicas[]) {
  const ofOne = (replicas: number, rate: (step: RatesOfReplicas) => number) => {
    const [step, one] = [replicas, 1].map(of => steps.find(step => step.replicas === of))
    return step && one ? Math.round((rate(step) / rate(one)) * 100) / 100 : null
  }
  const board = (step: RatesOfReplicas) => step.page_views_per_second
  const limit = (step: RatesOfReplicas) => step.limit.page_views_per_second
  return {
    three_of_one: ofOne(3, board),
    eight_of_one: ofOne(8, board),
    limit_three_of_one: ofOne(3, limit),
    limit_eight_of_one: ofOne(8, limit),
  }
}

/** Reasons why a comparison is invalid, a sentence each: a contender answered nothing or did not count exactly */
export function findFaults(summaries: Summary[]): string[] {
  return summaries.flatMap(({ name, answers, errors, exact }) => [
    ...(answers > errors ? [] : [`${name} answered no page view`]),
    ...(exact === false ? [`${name} did not count every page view once`] : []),
  ])
}

/** The columns of a load table after the first */
export const loadHead = [
  'page views/s',
  'from',
  'to',
  'p50 ms',
  'p99 ms',
  'errors',
  'an answer',
  'cores: servers',
  'NGINX',
  'database',
  'memory',
  'exact',
]

export function loadRow(firstCell: string, summary: Summary): string[] {
  const { median, lowest, highest } = summary.page_views_per_second
  const { servers, nginx, database } = summary.cores
  return [
    firstCell,
    ...[median, lowest, highest, summary.p50_ms, summary.p99_ms, summary.errors].map(number),
    kilobytes(summary.bytes_each),
    ...[servers, nginx, database].map(number),
    megabytes(summary.memory_bytes),
    summary.exact === null ? '' : summary.exact ? 'yes' : 'NO',
  ]
}
