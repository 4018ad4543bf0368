// `npm run test:cluster`: the board on three Galera nodes behind a proxy that fails over, under load, while nodes are killed, frozen
// and cut off. Compares the answers that visitors got with the log of every node. Exits 1 if a promise was broken.
// nodes.ts has the nodes, proxy.ts the proxy. The stack is the launcher's, the load and the comparison are those of the faults.
//   npm run test:cluster -- [--hits NUMBER] [--only TRIAL]…

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { migrate } from '../../prisma/migrate.ts'
import { auditOf, readAudit } from '../../web/server/db/audit.ts'
import { openReadPool } from '../../web/server/db/pools.ts'
import { UserError } from '../../web/server/errors.ts'
import { buildBroken } from '../faults/broken-builds.ts'
import { startLoad } from '../faults/testbed/load.ts'
import { type Findings, findIn, readLedger } from '../faults/trial/findings.ts'
import { runOnBuild } from '../launcher/stack/build.ts'
import { type Stack, startStack } from '../launcher/stack/stack.ts'
import { builtReplica, type ReplicaProgram } from '../launcher/stack/stack-options.ts'
import { freePorts } from '../lib/ports.ts'
import { freezeProcess } from '../lib/processes.ts'
import { print, saySentences } from '../lib/terminal.ts'
import type { Answer } from '../lib/visitors.ts'
import { type Cluster, type Node, startCluster } from './nodes.ts'
import { type FailoverProxy, startProxy } from './proxy.ts'

/** page views started per second. With few, the transactions of several writers hardly meet. */
const perSecond = { one: 350, three: 1000 }
/** ms of page views before and after what is done to the nodes */
const quietMs = 1500
/** ms for which a node stays away: longer than the cluster and the proxy need to notice */
const awayMs = 6000
/**
 * ms: within this time page views are answered again, if one node writes. It takes 2.5 s: 2 s until the silent node is suspected, and
 * less than a second until the others agree (`membership` in nodes.ts). On a busy machine they may need one or two more tries of
 * 2 s. With three writers the time is only printed.
 */
const serviceBackMs = 10_000

type Trial = {
  name: string
  title: string
  /** one: all replicas write to the same node. three: each writes to another one, so their transactions conflict all the time. */
  writers: 'one' | 'three'
  /** done under load. `isEnough`: the trial has counted its hits */
  inject(cluster: Cluster, isEnough: () => boolean): Promise<void>
}

const trials: Trial[] = [
  { name: 'killed', title: 'the writer killed, and started again', writers: 'one', inject: each(killed) },
  { name: 'frozen', title: 'the writer frozen', writers: 'one', inject: each(frozen) },
  { name: 'cut-off', title: 'the writer cut off from the other nodes', writers: 'one', inject: each(cutOff) },
  {
    name: 'three-writers',
    title: 'three writers: one killed, one frozen, one cut off',
    writers: 'three',
    async inject({ nodes: [first, second, third] }, isEnough) {
      do {
        await killed(first)
        await frozen(second)
        await cutOff(third)
      } while (!isEnough())
    },
  },
]

function each(harm: (node: Node) => Promise<void>): Trial['inject'] {
  return ({ nodes: [writer] }) => harm(writer)
}

async function killed(node: Node): Promise<void> {
  await node.kill()
  await pause(awayMs)
  await node.start()
  await node.untilJoined()
}

async function frozen(node: Node): Promise<void> {
  await freezeProcess(node.pid(), awayMs)
  await node.untilJoined()
}

/** The node stays reachable for its clients. */
async function cutOff(node: Node): Promise<void> {
  const connection = await node.connect()
  try {
    await connection.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
    await pause(awayMs)
    await connection.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")
  } finally {
    await connection.end()
  }
  await node.untilJoined()
}

/** The replica as it would be without the compound statement: several writers must make it lose numbers. */
const packetBuild = [
  {
    file: 'web/server/db/page-view-numbers.ts',
    from: "replication === 'galera' ? compoundOf(batch, wait) : packetOf(batch, wait, replication)",
    to: "packetOf(batch, wait, 'none')",
  },
]

type Board = {
  cluster: Cluster
  proxy: FailoverProxy
  folder: string
  freePort: () => Promise<number>
  signal: AbortSignal
}

/** Starts a stack whose replicas use the cluster; the database that belongs to the stack stays empty. */
function startBoard(
  { cluster: { nodes }, proxy, folder, signal }: Board,
  name: string,
  writers: Trial['writers'],
  replica: ReplicaProgram,
): Promise<Stack> {
  return startStack({
    dataDir: join(folder, name),
    replicas: 3,
    replica,
    database: { size: 'small' },
    signal,
    async replicaVariables(place) {
      const index = Number(/\d+$/.exec(place.name)?.[0]) - 1
      const url = new URL(nodes[0].replicaUrl)
      url.port = String(writers === 'one' ? proxy.oneWriter : proxy.writers[index])
      return { DATABASE_URL: url.href }
    },
  })
}

type Result = { broken: string[]; line: string; findings: Findings }

/** Runs a trial on a stack and compares the answers with every node. */
async function runTrial(
  trial: Pick<Trial, 'inject' | 'writers'>,
  stack: Stack,
  cluster: Cluster,
  hits: number,
): Promise<Result> {
  const { nodes } = cluster
  const before = (await audits(nodes))[0]?.counter ?? 0
  const load = startLoad(`${stack.url}/`, perSecond[trial.writers])
  const counted = () => load.views.filter(({ hit }) => hit !== null).length
  await pause(quietMs)
  const injectedAt = performance.now()
  await trial
    .inject(cluster, () => counted() >= hits)
    .finally(async () => {
      await pause(quietMs)
      await load.stop()
    })
  await Promise.all(nodes.map(node => node.untilJoined()))
  const broken: string[] = []
  const all: Findings[] = []
  for (const node of nodes) {
    const findings = await findOn(node, [...load.views, ...load.resent], before)
    all.push(findings)
    broken.push(...brokenIn(findings).map(text => `${node.name}: ${text}`))
  }
  const [findings] = all
  if (!findings) throw new Error('the cluster has nodes')
  const away = longestGap(load.views, injectedAt)
  if (trial.writers === 'one' && away > serviceBackMs)
    broken.push(`no page view was answered for ${(away / 1000).toFixed(1)} s`)
  for (const [index, audit] of (await audits(nodes)).entries())
    if (!audit.consistent || audit.counter !== findings.counter)
      broken.push(`the audit on ${nodes[index]?.name}: ${JSON.stringify(audit)}`)
  const failed = load.views.filter(({ status }) => status !== 200).length
  const line =
    `${load.views.length} page views, ${failed} failed, longest time without an answer ${(away / 1000).toFixed(1)} s, ` +
    `${findings.inDoubt.length} of unknown outcome counted`
  return { broken, line, findings }
}

/** What one node has in its log, once it has all that the cluster committed. */
async function findOn(node: Node, views: Answer[], before: number): Promise<Findings> {
  const connection = await node.connect()
  try {
    await connection.query('SET SESSION wsrep_sync_wait = 1') // the snapshot has all that was committed before
    return findIn(views, before, await readLedger(connection, before))
  } finally {
    await connection.end()
  }
}

function brokenIn(findings: Findings): string[] {
  const { lost, countedTwice, countedAfterAll, unexplained, gaps, backwards, totals } = findings
  const counts: [number, string][] = [
    [lost.length, 'answered numbers are not in the log'],
    [countedTwice.length, 'page views are in the log twice'],
    [countedAfterAll.length, 'page views were counted but answered as not counted'],
    [unexplained.length, 'rows in the log belong to no answer'],
    [gaps, 'numbers have no row'],
    [backwards, 'rows are earlier than the row before'],
    [
      new Set(totals).size - 1,
      `differences between counter, highest id, rows and hits: ${totals.join(', ')}`,
    ],
  ]
  return counts.filter(([count]) => count !== 0).map(([count, what]) => `${count} ${what}`)
}

/** ms: the longest time after `since` in which no page view got its number */
function longestGap(views: Answer[], since: number): number {
  const ends = views
    .filter(({ status }) => status === 200)
    .map(({ startedAt, took }) => startedAt + took)
    .filter(end => end > since)
    .toSorted((a, b) => a - b)
  return Math.max(...ends.map((end, index) => end - (ends[index - 1] ?? since)))
}

/** Each node's own audit. */
function audits(nodes: Node[]) {
  return Promise.all(
    nodes.map(async ({ url }) => {
      const pool = openReadPool(url)
      try {
        return auditOf(await readAudit(pool))
      } finally {
        await pool.end()
      }
    }),
  )
}

type Options = { hits: number; chosen: Trial[]; showsPacket: boolean }

const packetName = 'packet'
const defaultHits = 5000

/** @throws UserError, which lists the names */
function readOptions(parameters: string[]): Options {
  const usage = `npm run test:cluster -- [--hits NUMBER] [--only ${[...trials.map(({ name }) => name), packetName].join('|')}]…`
  try {
    const { values } = parseArgs({
      args: parameters,
      options: { hits: { type: 'string' }, only: { type: 'string', multiple: true } },
    })
    const hits = Number(values.hits ?? defaultHits)
    const names = values.only ?? [...trials.map(({ name }) => name), packetName]
    const known = [...trials.map(({ name }) => name), packetName]
    if (!Number.isInteger(hits) || names.some(name => !known.includes(name))) throw new UserError(usage)
    return {
      hits,
      chosen: trials.filter(({ name }) => names.includes(name)),
      showsPacket: names.includes(packetName),
    }
  } catch {
    throw new UserError(usage)
  }
}

/** @returns whether every promise was kept */
async function testCluster({ hits, chosen, showsPacket }: Options, folder: string, signal: AbortSignal) {
  const ports = freePorts(folder)
  const freePort = async () => (await ports.next()).value
  await using resources = new AsyncDisposableStack()
  const cluster = resources.use(await startCluster(folder, freePort, signal))
  print('cluster', 'three nodes, MariaDB with Galera')
  const proxy = resources.use(await startProxy(folder, cluster.nodes, freePort, signal))
  await migrate(cluster.nodes[0].url)
  const board = { cluster, proxy, folder, freePort, signal }
  let kept = true
  for (const writers of ['one', 'three'] as const) {
    const ofStack = chosen.filter(trial => trial.writers === writers)
    if (ofStack.length === 0) continue
    const stack = await startBoard(board, `board-${writers}`, writers, builtReplica(process.env))
    try {
      for (const trial of ofStack) {
        signal.throwIfAborted()
        const { broken, line } = await runTrial(trial, stack, cluster, hits)
        print(trial.name, `${trial.title}: ${line}`)
        for (const text of broken) print(trial.name, `BROKEN: ${text}`)
        kept &&= broken.length === 0
      }
    } finally {
      await stack.stop()
    }
  }
  if (showsPacket) kept = (await showPacket(board)) && kept
  return kept
}

/** ms in which the packet must lose a number: it loses some within a second, unless the machine is very busy */
const packetMs = 15_000

/** Shows that this test notices lost numbers, and that the packet loses them. @returns whether it did */
async function showPacket(board: Board): Promise<boolean> {
  const replica = await buildBroken({ edits: packetBuild }, join(board.folder, 'packet-build'))
  const stack = await startBoard(board, 'board-packet', 'three', replica)
  try {
    const trial = { writers: 'three' as const, inject: () => pause(packetMs) }
    const { findings } = await runTrial(trial, stack, board.cluster, 0)
    const { lost } = findings
    print(
      packetName,
      `a build that sends the packet to three writers lost ${lost.length} answered numbers, as it must`,
    )
    return lost.length > 0
  } finally {
    await stack.stop()
  }
}

await saySentences(async () => {
  const options = readOptions(process.argv.slice(2))
  await runOnBuild((folder, signal) => testCluster(options, folder, signal))
})
