// Measures what the parts of the board cost on this machine, for simulate.ts: the wait for the disk by committing batches
// directly, the rest as processor time of boards under different loads, all with busy processors. The same work costs more
// if more processes share the processors and their caches, so the smallest and the largest board are measured.

import { z } from 'zod'
import { databaseHitStore } from '../../../web/server/db/hit-store.ts'
import { openWritePool } from '../../../web/server/db/pools.ts'
import { registerServer } from '../../../web/server/db/servers.ts'
import { probeHit } from '../../../web/server/hits/hit.ts'
import { srvIdOf } from '../../../web/server/identity.ts'
import { type Contender, entryOf } from '../contenders/contender.ts'
import type { Testbed } from '../harness/database.ts'
import { makeSchema, queryRow } from '../harness/database.ts'
import { visitSteadily } from '../harness/load.ts'
import { measureRun, median, type Run } from '../harness/rounds.ts'
import { ownUsage, readUsage, watchCores } from '../harness/usage.ts'
import type { BatchCost, Costs } from './simulate.ts'

/** One run of the board. Times are s, processor time of all processes of a part together. */
export type Sample = {
  run: Run
  seconds: number
  hits: number
  commits: number
  servers: number
  database: number
  /** NGINX and wrk */
  front: number
  /** cores that no other program of this machine used */
  coresLeft: number
}

const counted = z.object({ hits: z.coerce.number(), commits: z.coerce.number() })

/** Loads a board with so many connections. */
export async function sampleBoard(
  board: Contender,
  load: { connections: number; seconds: number },
  testbed: Testbed,
): Promise<Sample> {
  const query = 'SELECT SUM(hits) AS hits, SUM(commits) AS commits FROM server'
  const before = await queryRow(board.databaseUrl, counted, query)
  const run = await measureRun(entryOf(board), load, testbed)
  const after = await queryRow(board.databaseUrl, counted, query)
  const { seconds, client, idle } = run.load
  const { servers, nginx, database } = run.cores
  return {
    run,
    seconds,
    hits: after.hits - before.hits,
    commits: after.commits - before.commits,
    servers: servers * seconds,
    database: database * seconds,
    front: nginx * seconds + client,
    coresLeft: servers + nginx + database + (client + idle) / seconds,
  }
}

/** What the servers take while few page views come: nearly all of it is rendering, which the loaded runs cannot tell apart. */
export type QuietSample = Pick<Sample, 'seconds' | 'hits' | 'commits' | 'servers'>

const quietPerSecond = 20

export async function sampleQuiet(board: Contender, seconds: number, testbed: Testbed): Promise<QuietSample> {
  const cores = watchCores(board.servers.map(server => server.pid))
  const startedAt = performance.now()
  const { started: hits } = await visitSteadily(
    board.url,
    { perSecond: quietPerSecond, seconds },
    testbed.signal,
  )
  const used = cores()
  const took = (performance.now() - startedAt) / 1000
  return { seconds: took, hits, commits: hits, servers: used * took }
}

/** hits of the batches that are committed directly */
const batchSizes = [1, 8, 64]

/** s from the packet to the answer without any processor */
export type CommitSample = { waiting: number }

/** Commits batches one after the other on an otherwise idle board: as long for each size. */
export async function sampleCommits(testbed: Testbed, seconds: number): Promise<CommitSample[]> {
  const url = await makeSchema(testbed.databaseUrl, 'bench_commits', 'board')
  const pool = openWritePool(url)
  try {
    const address = '127.0.0.1:1'
    const { id } = await registerServer(pool, { srvId: srvIdOf(address), address, name: null })
    const store = databaseHitStore(pool, { id, srv_id: srvIdOf(address) })
    const samples: CommitSample[] = []
    for (const hits of batchSizes) {
      const used = () => ({ database: readUsage([testbed.databasePid]).cpuSeconds, own: ownUsage().self })
      const times: number[] = []
      const before = used()
      const endsAt = performance.now() + seconds * 1000
      while (performance.now() < endsAt) {
        testbed.signal.throwIfAborted()
        const batch = Array.from({ length: hits }, probeHit)
        const startedAt = performance.now()
        await store.commit(batch, 5000)
        times.push((performance.now() - startedAt) / 1000)
      }
      const after = used()
      const database = (after.database - before.database) / times.length
      const own = (after.own - before.own) / times.length
      samples.push({ waiting: Math.max(0, median(times) - database - own) })
    }
    return samples
  } finally {
    await pool.end()
  }
}

/** The costs that explain the samples of boards of one size best. */
export function costsFrom(
  replicas: number,
  commits: CommitSample[],
  boards: Omit<Sample, 'run'>[],
  quiet: QuietSample[],
): Costs {
  const all = [...boards, ...quiet]
  const [page = 0, batch = 0, rendering = 0] = fit(
    all.map(({ hits, commits, seconds }) => [hits, commits, seconds * replicas]),
    all.map(({ servers }) => servers),
  )
  const [perHit = 0, base = 0] = fit(
    boards.map(({ hits, commits }) => [hits, commits]),
    boards.map(({ database }) => database),
  )
  // The second factor is what NGINX and wrk take without any page view: next to nothing.
  const [front = 0] = fit(
    boards.map(({ hits, seconds }) => [hits, seconds]),
    boards.map(({ front }) => front),
  )
  return {
    front,
    page,
    batch: { base: batch, perHit: 0 },
    rendering,
    commit: { base, perHit } satisfies BatchCost,
    agree: 0,
    flush: median(commits.map(({ waiting }) => waiting)),
    hop: 0,
  }
}

export type SizedCosts = { replicas: number; costs: Costs }

/** The costs with a number of replicas between two that were measured: each doubling adds as much. */
export function costsBetween(small: SizedCosts, large: SizedCosts, replicas: number): Costs {
  const part = Math.log(replicas / small.replicas) / Math.log(large.replicas / small.replicas)
  const between = (a: number, b: number) => a + part * (b - a)
  const ofBatch = (a: BatchCost, b: BatchCost) => ({
    base: between(a.base, b.base),
    perHit: between(a.perHit, b.perHit),
  })
  const [a, b] = [small.costs, large.costs]
  return {
    front: between(a.front, b.front),
    page: between(a.page, b.page),
    batch: ofBatch(a.batch, b.batch),
    rendering: between(a.rendering, b.rendering),
    commit: ofBatch(a.commit, b.commit),
    agree: between(a.agree, b.agree),
    flush: between(a.flush, b.flush),
    hop: between(a.hop, b.hop),
  }
}

/**
 * Non-negative factors with which the columns of `rows` add up to `sums` best: least squares of the relative errors. Tries every
 * set of columns, of which there are few.
 */
export function fit(rows: number[][], sums: number[]): number[] {
  const columns = rows[0]?.length ?? 0
  const relative = rows.map((row, index) => row.map(value => value / (sums[index] ?? 1)))
  let best = { error: Number.POSITIVE_INFINITY, factors: Array<number>(columns).fill(0) }
  for (let set = 1; set < 2 ** columns; set++) {
    const chosen = Array.from({ length: columns }, (_, column) => column).filter(
      column => set & (1 << column),
    )
    const solution = solve(
      chosen.map(a => chosen.map(b => relative.reduce((sum, row) => sum + (row[a] ?? 0) * (row[b] ?? 0), 0))),
      chosen.map(a => relative.reduce((sum, row) => sum + (row[a] ?? 0), 0)),
    )
    if (!solution || solution.some(factor => factor < 0)) continue
    const factors = Array.from({ length: columns }, (_, column) => solution[chosen.indexOf(column)] ?? 0)
    const error = relative.reduce((sum, row) => {
      const total = row.reduce((total, value, column) => total + value * (factors[column] ?? 0), 0)
      return sum + (total - 1) ** 2
    }, 0)
    if (error < best.error) best = { error, factors }
  }
  return best.factors
}

/** Solves equations by elimination; null if they have no single solution. */
function solve(equations: number[][], sums: number[]): number[] | null {
  const rows = equations.map((row, index) => [...row, sums[index] ?? 0])
  for (const [column] of rows.entries()) {
    const pivot = rows
      .slice(column)
      .toSorted((a, b) => Math.abs(b[column] ?? 0) - Math.abs(a[column] ?? 0))[0]
    const value = pivot?.[column] ?? 0
    if (!pivot || value === 0) return null
    rows.splice(rows.indexOf(pivot), 1)
    rows.splice(
      column,
      0,
      pivot.map(each => each / value),
    )
    for (const [index, row] of rows.entries()) {
      const factor = row[column] ?? 0
      if (index !== column)
        rows[index] = row.map((each, place) => each - factor * (rows[column]?.[place] ?? 0))
    }
  }
  return rows.map(row => row.at(-1) ?? 0)
}
