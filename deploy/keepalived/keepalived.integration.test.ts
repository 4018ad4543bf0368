import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { findNginx } from '../../nginx/find-nginx.ts'
import { renderNginx } from '../../nginx/render.ts'
import { signalGroup } from '../../tools/lib/processes.ts'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'
import { answers } from '../../tools/lib/wait.ts'
import { srvIdOf } from '../../web/server/identity.ts'
import { addMachine, type Machine } from './testing/network.ts'

// Two machines, each with NGINX and keepalived, in front of the servers of one board. A client loads the virtual address while
// the machine that holds it fails in every way. Runs through testing/network.ts.

const network = z
  .object({ prefix: z.string(), address: z.string(), virtualAddress: z.string() })
  .parse(JSON.parse(process.env.FAILOVER_NETWORK ?? '{}'))
const stack = z
  .object({ url: z.string(), databaseUrl: z.string(), replicas: z.array(z.object({ address: z.string() })) })
  .parse(JSON.parse(process.env.FAILOVER_STACK ?? '{}'))

/** The servers at the addresses by which the machines know them. */
const replicas = stack.replicas.map(replica => {
  const address = replica.address.replace('127.0.0.1', network.address)
  return { address, srvId: srvIdOf(address) }
})

/**
 * ms within which page views resume. On a busy machine keepalived comes late to its work, as the client does: the client's
 * longest delay in that time is added.
 */
const promisedMs = 4000

/** Page views that must be answered before a failure, after it, and when it is mended */
const enoughAnswers = 20

test('the holder’s NGINX is killed, the holder dies, its link is cut or mute: page views resume, and every answered number is in the log', {
  timeout: 240_000,
}, async t => {
  await using folder = await temporaryFolder()
  const fronts = [await startFront('one', folder.path), await startFront('two', folder.path)]
  await holderOf(fronts)
  const visitors = await startVisitors(folder.path)
  await visitors.answered()
  for (const [name, fail] of Object.entries(failures)) {
    const holder = await holderOf(fronts)
    const other = fronts.find(front => front !== holder)
    assert.ok(other)
    const before = (await visitors.read()).length
    const mend = await fail(holder)
    await eventually(() => other.machine.holds(network.virtualAddress))
    await visitors.answered()
    // From the last visit before the failure on.
    const { ms, lateMs } = longestGap((await visitors.read()).slice(before - 1))
    t.diagnostic(`${name}: no page view was answered for ${(ms / 1000).toFixed(1)} s`)
    assert.ok(
      ms - lateMs <= promisedMs,
      `${name}: ${ms} ms without an answer; this machine was ${lateMs} ms late`,
    )
    await mend()
    await visitors.answered()
    const last = await holderOf(fronts)
    // Two that did not hear each other both held it. Then the one with the higher priority keeps it.
    if (name !== muted) assert.equal(last, other, `${name}: the address stays where it went`)
  }
  await visitors.end()
  await checkCounts(await visitors.read())
})

const muted = 'its link is mute'

/** What happens to the machine that holds the address. Each returns what mends it. */
const failures: Record<string, (holder: Front) => Promise<() => Promise<void>>> = {
  async 'its NGINX is killed'(holder) {
    holder.killNginx()
    return holder.startNginx
  },
  async 'it dies'(holder) {
    await holder.machine.die()
    return holder.startAgain
  },
  async 'its link is cut'({ machine }) {
    await machine.cutLink()
    return machine.mendLink
  },
  async [muted]({ machine }) {
    await machine.muteLink()
    return machine.mendLink
  },
}

type Front = {
  machine: Machine
  startNginx(): Promise<void>
  killNginx(): void
  /** A new machine in its place, after it died. */
  startAgain(): Promise<void>
}

const hosts = { one: 11, two: 12 }

/** A machine with NGINX and keepalived. */
async function startFront(name: keyof typeof hosts, folder: string): Promise<Front> {
  const own = join(folder, name)
  await mkdir(own)
  const peer = network.address.replace(/\d+$/, String(hosts[name === 'one' ? 'two' : 'one']))
  let nginx: ChildProcess
  const front = {
    machine: await addMachine(network, name, hosts[name]),
    async startNginx() {
      nginx = await startNginx(front.machine, join(own, 'nginx'))
    },
    killNginx: () => void signalGroup(nginx.pid ?? 0, 'SIGKILL'),
    async startAgain() {
      front.machine = await addMachine(network, name, hosts[name])
      await front.startNginx()
      await startKeepalived(front.machine, own, peer)
    },
  }
  await front.startNginx()
  await startKeepalived(front.machine, own, peer)
  return front
}

async function startNginx(machine: Machine, directory: string): Promise<ChildProcess> {
  const program = await findNginx()
  assert.ok(program)
  const { native, errorLogOption, statusPage } = program
  const rendered = await renderNginx({
    ...{ directory, host: '0.0.0.0', port: 80, statusPort: 8081, replicas, stickySeconds: 300 },
    ...{ native, errorLogOption, statusPage },
  })
  const log = join(directory, 'output.log')
  const nginx = machine.start([program.path, ...rendered.arguments], { cwd: directory, log })
  await eventually(() => answers(`http://${machine.address}/healthz`))
  return nginx
}

/** Runs keepalived with the file that the project ships; only the settings at its top are this machine's. */
async function startKeepalived(machine: Machine, folder: string, peer: string): Promise<void> {
  const settings = {
    INTERFACE: 'eth0',
    OWN_ADDRESS: machine.address,
    PEER_ADDRESS: peer,
    VIRTUAL_ADDRESS: `${network.virtualAddress}/24`,
    PRIORITY: machine.name === 'one' ? '100' : '99',
  }
  let text = await readFile(join(import.meta.dirname, 'keepalived.conf'), 'utf8')
  for (const [name, value] of Object.entries(settings)) {
    const line = new RegExp(`^\\$${name}=.*$`, 'm')
    assert.match(text, line)
    text = text.replace(line, `$$${name}=${value}`)
  }
  const file = join(folder, 'keepalived.conf')
  await writeFile(file, text, { mode: 0o600 })
  const pidFiles = [`--pid=${join(folder, 'keepalived.pid')}`, `--vrrp_pid=${join(folder, 'vrrp.pid')}`]
  const options = ['--dont-fork', '--vrrp', '--log-console', '--no-syslog', `--use-file=${file}`, ...pidFiles]
  machine.start(['keepalived', ...options], { cwd: folder, log: join(folder, 'keepalived.log') })
}

/** The machine that alone holds the virtual address, as soon as one does. */
function holderOf(fronts: Front[]): Promise<Front> {
  return eventually(async () => {
    const holding = await Promise.all(fronts.map(({ machine }) => machine.holds(network.virtualAddress)))
    const holders = fronts.filter((_, index) => holding[index])
    return holders.length === 1 ? holders[0] : null
  })
}

const visited = z.object({
  status: z.number(),
  hit: z.number().nullable(),
  srvId: z.string().nullable(),
  requestId: z.string().nullable(),
  bound: z.boolean(),
  /** ms */
  late: z.number(),
  endedAt: z.number(),
})

type Visited = z.output<typeof visited>

/** A client that loads the virtual address: testing/visitor.ts. */
async function startVisitors(folder: string) {
  const machine = await addMachine(network, 'client', 20)
  const log = join(folder, 'visits')
  const script = join(import.meta.dirname, 'testing/visitor.ts')
  const url = `http://${network.virtualAddress}/`
  machine.start([process.execPath, script, url, replicas[0]?.srvId ?? ''], { cwd: folder, log })
  /** All visits that have an answer, or none for 10 s, in the order of their ends. */
  async function read(): Promise<Visited[]> {
    const lines = (await readFile(log, 'utf8')).split('\n').slice(0, -1)
    return lines.map(line => visited.parse(JSON.parse(line)))
  }
  return {
    read,
    /** Resolves when more page views have been answered. */
    async answered(): Promise<void> {
      const answeredNow = async () => (await read()).filter(isAnswered).length
      const before = await answeredNow()
      await eventually(async () => (await answeredNow()) >= before + enoughAnswers)
    },
    end: machine.die,
  }
}

const isAnswered = ({ status }: Visited) => status === 200

type Gap = { ms: number; lateMs: number }

/** The longest time without an answered page view, and how late the client was then at most. */
function longestGap(visits: Visited[]): Gap {
  const answered = visits.filter(isAnswered)
  const gaps = answered.slice(1).map(({ endedAt }, index) => {
    const from = answered[index]?.endedAt ?? endedAt
    const meanwhile = visits.filter(visit => visit.endedAt >= from && visit.endedAt <= endedAt)
    return { ms: endedAt - from, lateMs: Math.max(0, ...meanwhile.map(({ late }) => late)) }
  })
  return gaps.reduce((longest, gap) => (gap.ms > longest.ms ? gap : longest), { ms: 0, lateMs: 0 })
}

const logged = z.array(z.object({ id: z.number(), request_id: z.string(), srv_id: z.string() }))

/** Every answered number is in the log under its page view's id, once, and visitors with a cookie kept their server. */
async function checkCounts(visits: Visited[]): Promise<void> {
  const connection = await mysql.createConnection(stack.databaseUrl)
  const [found] = await connection.query('SELECT id, request_id, srv_id FROM access_log')
  await connection.end()
  const rows = logged.parse(found)
  const byId = new Map(rows.map(row => [row.id, row]))
  assert.equal(new Set(rows.map(row => row.request_id)).size, rows.length, 'no page view is counted twice')
  const answered = visits.filter(isAnswered)
  for (const { hit, requestId, srvId, bound } of answered) {
    assert.deepEqual(byId.get(hit ?? 0), { id: hit, request_id: requestId, srv_id: srvId })
    if (bound) assert.equal(srvId, replicas[0]?.srvId, 'both machines honour the cookie')
  }
  assert.equal(new Set(answered.map(({ hit }) => hit)).size, answered.length)
  assert.equal(
    new Set(answered.map(({ srvId }) => srvId)).size,
    replicas.length,
    'new visitors reach all servers',
  )
  const audit = await (await fetch(`${stack.url}/api/audit`)).json()
  assert.equal(audit.consistent, true)
}
