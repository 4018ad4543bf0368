import type { Count } from './database.ts'
import { type Load, type LoadResult, runWrk } from './load.ts'
import { kilobytes, megabytes, number, say } from './report.ts'
import type { Testbed } from './testbed.ts'
import { readUsage, watchCores } from './usage.ts'

/** One line of the comparison: an address that page views are asked of, and whose processes answer them. */
export type Entry = {
  name: string
  url: string
  /** srv_ids that visitors come with; none = they are strangers */
  cookies: string[]
  /** process groups */
  servers: number[]
  nginx: number
  /** null = nothing is counted */
  count: Count | null
}

/** Every entry once a round: what changes on the machine meanwhile meets them all. The runs are in the entries' order. */
export async function takeTurns(
  entries: Entry[],
  rounds: number,
  load: Omit<Load, 'cookies'>,
  ground: Testbed,
): Promise<{ name: string; runs: Run[] }[]> {
  const found = entries.map(entry => ({ entry, name: entry.name, runs: [] as Run[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const { entry, name, runs } of found) {
      const run = await measureRun(entry, load, ground)
      runs.push(run)
      say(`round ${round}`, `${name}: ${number(run.rate)}/s${run.exact === false ? ', NOT EXACT' : ''}`)
    }
  }
  return found.map(({ name, runs }) => ({ name, runs }))
}

export type Run = LoadResult & {
  /** in use on average */
  cores: { servers: number; nginx: number; database: number }
  /** memory of all its servers together, at the end */
  bytes: number
  /** whether each page view was counted once; null = nothing is counted */
  exact: boolean | null
}

/** Loads one entry for a while, and looks at what that cost and whether the count is right. */
export async function measureRun(entry: Entry, load: Omit<Load, 'cookies'>, ground: Testbed): Promise<Run> {
  const from = (await entry.count?.read()) ?? 0
  const cores = {
    servers: watchCores(entry.servers),
    nginx: watchCores([entry.nginx]),
    database: watchCores([ground.databasePid]),
  }
  const result = await runWrk(entry.url, { ...load, cookies: entry.cookies }, ground.site.signal)
  const used = { servers: cores.servers(), nginx: cores.nginx(), database: cores.database() }
  const after = await entry.count?.check(from)
  return {
    ...result,
    cores: used,
    bytes: readUsage(entry.servers).bytes,
    exact: after ? isExact({ from, ...after }, result, load.connections) : null,
  }
}

/**
 * Whether a run's page views were counted as they were answered: every answer is in the count, and beyond the answers only
 * what can have been under way when the load ended, or failed.
 */
export function isExact(
  counted: { from: number; counter: number; consistent: boolean },
  seen: { answers: number; errors: number },
  connections: number,
): boolean {
  const added = counted.counter - counted.from
  return (
    counted.consistent &&
    added >= seen.answers - seen.errors &&
    added <= seen.answers + seen.errors + connections
  )
}

/** What all rounds found of one entry: medians, but for answers and errors, which add up, and exactness, which must hold in each. */
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

/** What several rounds found of one figure. */
type Spread = { median: number; lowest: number; highest: number }

function spreadOf(figures: number[]): Spread {
  return { median: median(figures), lowest: Math.min(...figures), highest: Math.max(...figures) }
}

/** @throws on an empty list */
export function median(figures: number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing')
  return (lower + upper) / 2
}

/** How many times the board's page views a second are those of another, by the medians. */
export type Ratios = { flask_seed: number; naive_next: number; limit: number }

export function ratiosOf(summaries: Summary[]): Ratios {
  const rate = (name: string) => {
    const found = summaries.find(summary => summary.name === name)
    if (!found) throw new Error(`${name} was not measured`)
    return found.page_views_per_second.median
  }
  const timesThatOf = (name: string) => Math.round((rate('board') / rate(name)) * 100) / 100
  return {
    flask_seed: timesThatOf('flask'),
    naive_next: timesThatOf('naive_next'),
    limit: timesThatOf('limit'),
  }
}

/** What makes a comparison worthless, a sentence each: a contender that answered nothing, or did not count exactly. */
export function findFaults(summaries: Summary[]): string[] {
  return summaries.flatMap(({ name, answers, errors, exact }) => [
    ...(answers > errors ? [] : [`${name} answered no page view`]),
    ...(exact === false ? [`${name} did not count every page view once`] : []),
  ])
}

/** The columns of a table about page views under load, after the first. */
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

/** `first` is what stands in the first column. */
export function loadRow(first: string, found: Summary): string[] {
  const { median, lowest, highest } = found.page_views_per_second
  const { servers, nginx, database } = found.cores
  return [
    first,
    ...[median, lowest, highest, found.p50_ms, found.p99_ms, found.errors].map(number),
    kilobytes(found.bytes_each),
    ...[servers, nginx, database].map(number),
    megabytes(found.memory_bytes),
    found.exact === null ? '' : found.exact ? 'yes' : 'NO',
  ]
}
