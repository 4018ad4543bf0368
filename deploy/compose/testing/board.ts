import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { type Answer, visitMany } from '../../../tools/lib/visitors.ts'
import { waitUntil } from '../../../tools/lib/wait.ts'
import { compose, docker, lines } from '../docker.ts'

/** The board under test. */
export const baseUrl = process.env.BASE_URL ?? ''

const snapshot = z.looseObject({
  counter: z.number().int(),
  servers: z.array(
    z.looseObject({
      id: z.number().int(),
      name: z.string(),
      srv_id: z.string(),
      address: z.string(),
      state: z.string(),
      hits: z.number().int(),
    }),
  ),
})
const audit = z.looseObject({ counter: z.number().int(), consistent: z.boolean() })

/** The snapshot, as an open dashboard shows it. */
export async function readSnapshot() {
  return snapshot.parse(await (await fetchWithRetry('/api/snapshot')).json())
}

/** The current numbers. A snapshot can be half a second old. */
export async function readAudit() {
  return audit.parse(await (await fetchWithRetry('/api/audit')).json())
}

export async function countServersUp(): Promise<number> {
  return (await readSnapshot()).servers.filter(server => server.state === 'up').length
}

/** Scales the stack to `replicas` and waits until all serve, whatever the test before left. */
export async function settle(replicas: number): Promise<void> {
  await compose('up', '--detach', '--no-recreate', '--scale', `web=${replicas}`)
  await waitUntil(`${replicas} servers are up`, 90_000, async () => (await countServersUp()) === replicas)
}

/**
 * Replaces NGINX after visits of the lab: for ten minutes after one it reloads when servers come or go, which can close a
 * connection that a later test's load is using.
 */
export async function renewNginx(): Promise<void> {
  // Not --no-deps: it is part of the configuration hash, so a later `up -d` would make the container again.
  await compose('rm', '--stop', '--force', 'nginx')
  await compose('up', '--detach', '--no-recreate', '--wait', 'nginx')
}

export function failuresOf(answers: Answer[]): Answer[] {
  return answers.filter(answer => answer.status !== 200)
}

/**
 * Asserts that every answered number after `before` is in the log once, with the id of its request, and that the audit is consistent.
 * Reads the log with MySQL's client.
 */
export async function expectLogged(answers: Answer[], before: number): Promise<void> {
  const logged = await readLog(before)
  const answered = answers.filter(answer => answer.hit !== null)
  assert.equal(
    new Set(answered.map(answer => answer.hit)).size,
    answered.length,
    'two answers have the same number',
  )
  const wrong = answered.filter(answer => logged.get(answer.hit ?? 0) !== answer.requestId)
  assert.deepEqual(wrong, [], 'answered, but not logged so')
  assert.equal((await readAudit()).consistent, true)
}

/** Request ids by number. */
async function readLog(after: number): Promise<Map<number, string>> {
  const password = 'MYSQL_PWD="$(cat /run/secrets/database-password)"'
  const sql = `SELECT id, request_id FROM access_log WHERE id > ${after}`
  const client = `${password} mysql --batch --skip-column-names --user board balance_board --execute '${sql}'`
  const rows = lines(await compose('exec', '-T', 'mysql', 'sh', '-c', client))
  return new Map(rows.map(row => row.split('\t')).map(([id, requestId]) => [Number(id), requestId ?? '']))
}

/** Runs SQL as MySQL's root. The container's shell reads it in double quotes. @returns rows with tabs between columns */
export async function sqlAsRoot(sql: string): Promise<string> {
  const client = `MYSQL_PWD="$(cat /run/secrets/root-password)" mysql --user root --batch --skip-column-names`
  return compose('exec', '-T', 'mysql', 'sh', '-c', `${client} --execute "${sql}"`)
}

/** Fetches with retries: unlike a page view, an API request can fail while replicas stop. */
async function fetchWithRetry(path: string): Promise<Response> {
  let answer = Response.error()
  await waitUntil(`${path} is answered`, 10_000, async () => {
    answer = await fetch(baseUrl + path, { signal: AbortSignal.timeout(30_000) })
    return answer.ok
  })
  return answer
}

/** Page views per second unless a test wants another rate. */
const defaultPerSecond = 200
const newVisitors = 12
const returningVisitors = 12
/** ms after which the load ends by itself */
const defaultMaxMs = 240_000

type Visits = {
  all: Answer[]
  fromNew: Answer[]
  /** the answers of each returning visitor */
  fromReturning: Answer[][]
}

/**
 * Visits the board until `work` ends, for at most `maxMs`, and records every answer. Half of the page views are from new visitors,
 * half from returning ones, who keep their cookie. Leaves out page views for which no commit came in time while the disk stood
 * still, and prints a line for each.
 */
export async function visitWhile(
  work: () => Promise<void>,
  maxMs = defaultMaxMs,
  perSecond = defaultPerSecond,
): Promise<Visits> {
  await writeToDisk()
  const disk = watchDisk()
  const done = new AbortController()
  const bounds = { forMs: maxMs, until: done.signal }
  const url = `${baseUrl}/`
  const byNew = visitMany(url, { ...bounds, connections: newVisitors, perSecond: perSecond / 2 })
  const returning = {
    ...bounds,
    connections: 1,
    perSecond: perSecond / 2 / returningVisitors,
    keepCookies: true,
  }
  const byReturning = Promise.all(Array.from({ length: returningVisitors }, () => visitMany(url, returning)))
  let workEnded = 0
  try {
    await work()
    workEnded = performance.now()
  } finally {
    done.abort()
    await Promise.all([byNew, byReturning, disk.end()])
  }
  const stalls = await disk.end()
  const withoutStalled = (answers: Answer[]) => answers.filter(answer => !wasStalled(answer, stalls))
  const fromNew = withoutStalled(await byNew)
  const fromReturning = (await byReturning).map(withoutStalled)
  for (const visits of [fromNew, ...fromReturning])
    assert.ok(
      visits.some(({ startedAt, took }) => startedAt + took > workEnded),
      `the load ended before the work: its limit is ${maxMs / 1000} s`,
    )
  return { all: [...fromNew, ...fromReturning.flat()], fromNew, fromReturning }
}

/**
 * Makes the kernel write to the disk all that it keeps in memory. It writes a new image's layers up to 30 s later by itself, and on a
 * slow disk commits then wait for longer than a page view does.
 * Source: dirty_expire_centisecs in https://www.kernel.org/doc/html/latest/admin-guide/sysctl/vm.html
 */
async function writeToDisk(): Promise<void> {
  await docker(['run', '--rm', '--network', 'none', 'node:26-slim', 'sync'])
}

/** A time in which the disk stood still, in ms since 1970 */
const stall = z.object({ from: z.number(), to: z.number() })
type Stall = z.output<typeof stall>

/** ms without a write after which the disk stood still: a commit then can take as long as a page view waits for it */
const stallMs = 800

/** Runs in a container on the disk of the containers. Prints, when its input ends, each time in which no write ended. */
const diskWatch = `
  const { fsyncSync, openSync, writeSync } = require('node:fs')
  const file = openSync('/watched/file', 'w')
  let last = Date.now()
  setInterval(() => {
    writeSync(file, 'x', 0)
    fsyncSync(file)
    const now = Date.now()
    if (now - last > ${stallMs}) console.log(JSON.stringify({ from: last, to: now }))
    last = now
  }, 100)
  process.stdin.on('end', () => process.exit()).resume()`

/** Watches the disk that the database shares with everything else on the machine. `end` gives the times in which it stood still. */
function watchDisk(): { end: () => Promise<Stall[]> } {
  const volume = ['--volume', '/watched', 'node:26-slim']
  const container = ['run', '--rm', '--interactive', '--network', 'none', ...volume]
  const watch = spawn('docker', [...container, 'node', '--eval', diskWatch], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const printed = text(watch.stdout)
  return {
    async end() {
      watch.stdin.end()
      return z.array(stall).parse(lines(await printed).map(line => JSON.parse(line)))
    },
  }
}

/** Whether a page view got no number in time because the disk stood still. Prints it then. */
function wasStalled({ code, startedAt, took }: Answer, stalls: Stall[]): boolean {
  if (code !== 'counter_unavailable') return false
  const from = performance.timeOrigin + startedAt
  const met = stalls.find(stall => stall.from < from + took && from < stall.to)
  if (met) console.log(`not counted, and left out: the disk stood still for ${met.to - met.from} ms`)
  return met !== undefined
}

/** Writes the numbers of a load to the test's output. */
export function reportLoad(test: TestContext, answers: Answer[]): void {
  const took = answers.map(answer => answer.took).toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(took[Math.floor((took.length - 1) * share)] ?? Number.NaN)
  const failed = answers.filter(answer => answer.status !== 200).length
  test.diagnostic(
    `${failed} of ${answers.length} page views failed; ms: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`,
  )
}

type Rolled = { status: number | null; printed: string }

/**
 * Runs `npm run roll`. Another STICKY_SECONDS in `environment` makes another version of the replicas. `onPrinted` is called with the
 * whole output each time it grows, and can kill the roll or close its terminal.
 */
export async function roll(
  environment: Record<string, string> = {},
  onPrinted: (printed: string, kill: () => void, closeTerminal: () => void) => void = () => {},
  words: string[] = [],
): Promise<Rolled> {
  const command = spawn(process.execPath, [`${import.meta.dirname}/../roll/roll.ts`, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = [command.stdout, command.stderr]
  const closeTerminal = () => {
    for (const stream of output) stream.destroy()
    command.kill('SIGHUP')
  }
  let printed = ''
  for (const stream of output)
    stream.on('data', text => {
      printed += text
      onPrinted(printed, () => command.kill('SIGKILL'), closeTerminal)
    })
  const [status] = await once(command, 'close')
  return { status: typeof status === 'number' ? status : null, printed }
}
