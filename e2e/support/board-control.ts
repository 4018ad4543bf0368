import { randomBytes } from 'node:crypto'
import { expect } from '@playwright/test'
import type { Prisma, PrismaClient } from '../../prisma/client/client.ts'
import { openPrismaClient } from '../../prisma/testing/prisma-client.ts'
import { readStackFile, type StackFile } from '../../tools/launcher/stack/data-dir.ts'
import { type Stack, startStack } from '../../tools/launcher/stack/stack.ts'
import { builtReplica, type StackOptions } from '../../tools/launcher/stack/stack-options.ts'
import { srvIdOf } from '../../web/server/identity.ts'
import { shortBucketSeconds } from '../../web/shared/limits.ts'

// Changes the boards under test through their database and processes, not through their pages. The specs call it; it uses
// an independent Prisma client and signals.

/** Starts the board that the build made, with a small database and all its files in `dataDir`. */
export function startBoard(
  dataDir: string,
  options: Pick<StackOptions, 'replicas' | 'stickySeconds' | 'hungAfterMs' | 'monitoringUrls' | 'signal'>,
): Promise<Stack> {
  return startStack({ ...options, dataDir, replica: builtReplica(), database: { size: 'small' } })
}

type StackVariable = 'STACK_FILE' | 'FAULTS_STACK_FILE' | 'STATES_STACK_FILE'

/** The processes of a stack of with-stacks.ts. @throws if none runs */
export function readStack(variable: StackVariable): StackFile {
  const stack = readStackFile(process.env[variable] ?? '')
  if (!stack) throw new Error(`${variable} describes no running stack`)
  return stack
}

/**
 * For `test.use`: the tests of a file visit the board of FAULTS_STACK_FILE. A restarted server says for minutes that a visitor
 * may have come from its earlier start, so tests that kill servers have a board that no other test visits.
 */
export const faultsBoard = { baseURL: readStackFile(process.env.FAULTS_STACK_FILE ?? '')?.url ?? '' }

export const readFaultsStack = () => readStack('FAULTS_STACK_FILE')

/** Runs `work` with an independent client on the database at `databaseUrl`. */
export async function withPrismaClient<T>(databaseUrl: string, work: (client: PrismaClient) => Promise<T>) {
  const client = openPrismaClient(databaseUrl)
  try {
    return await work(client)
  } finally {
    await client.$disconnect()
  }
}

/**
 * Controls the board of the state tests. Disposing restores the servers; added visits stay. What is added is on the page on
 * return, which takes some visits.
 */
export type BoardControl = AsyncDisposable & {
  url: string
  counter(): Promise<number>
  /** Adds servers to the page until disposal. Their hits stay in the totals, like those of any stopped server. */
  addServers(servers: ServerToShow[]): Promise<void>
  /** Adds visits to the log as if these servers had counted them. */
  addVisits(visits: ServerVisits[]): Promise<void>
  /** Drains every server until disposal. */
  drainAll(): Promise<void>
  /** Stops the process (SIGSTOP) until the returned function is called. */
  freeze(service: 'database' | 'server'): () => void
}

/** `stack`: with one server; default: that of STATES_STACK_FILE */
export function openBoardControl(stack = readStack('STATES_STACK_FILE')): BoardControl {
  const [server] = stack.replicas
  if (!server) throw new Error('the stack has no server')
  const client = openPrismaClient(stack.databaseUrl)
  const changes = new AsyncDisposableStack()
  changes.defer(() => client.$disconnect())
  const shown: number[] = []
  const drainServers = async (drain: boolean) => {
    await requestDrain(client, drain)
    await untilRendered(stack.url, drain ? /data-state=draining/ : /data-state=up/)
  }
  changes.defer(async () => void (await retire(client, shown)))
  return {
    url: stack.url,
    async counter() {
      return Number((await client.globalCounter.findUniqueOrThrow({ where: { id: 1 } })).value)
    },
    async addServers(servers) {
      for (const server of servers) shown.push(await insertServer(client, server))
      await untilRendered(stack.url, new RegExp(`>${servers.at(-1)?.name}<`))
    },
    async addVisits(visits) {
      const last = await insertVisits(client, visits)
      await untilRendered(stack.url, new RegExp(`<th[^>]*>${last}<`))
    },
    async drainAll() {
      changes.defer(() => drainServers(false))
      await drainServers(true)
    },
    freeze(service) {
      const { pid } = service === 'database' ? stack.database : server
      process.kill(pid, 'SIGSTOP')
      const thaw = () => void process.kill(pid, 'SIGCONT')
      changes.defer(thaw)
      return thaw
    },
    [Symbol.asyncDispose]: () => changes.disposeAsync(),
  }
}

/** Visits the page, which may be a second old, until it shows `what`. */
async function untilRendered(url: string, what: RegExp): Promise<void> {
  await expect.poll(async () => (await fetch(url)).text()).toMatch(what)
}

/** Resolves when the real servers have read the request with a heartbeat and acknowledged it in `draining`. */
async function requestDrain(client: PrismaClient, drain: boolean): Promise<void> {
  // A wish counts while its record is new.
  const servers = await client.server.findMany({ where: { stoppedAt: null }, select: { id: true } })
  const type = drain ? 'drain' : 'undrain'
  await client.serverEvent.createMany({
    data: servers.map(({ id }) => ({ at: new Date(), serverId: id, type })),
  })
  await client.server.updateMany({ data: { drainWanted: drain } })
  const pending = { draining: !drain, stoppedAt: null, lastSeenAt: { gt: new Date(Date.now() - 10_000) } }
  await expect.poll(() => client.server.count({ where: pending })).toBe(0)
}

/** Hides servers: the page does not show those without a heartbeat for long. */
function retire(client: Prisma.TransactionClient, ids: number[]) {
  return client.server.updateMany({
    where: { id: { in: ids } },
    data: { lastSeenAt: new Date(0), stoppedAt: new Date(0) },
  })
}

type ServerToShow = {
  name: string
  address: string
  state?: 'joining' | 'up' | 'draining' | 'lost' | 'stopped'
}

const hour = 3_600_000

/** @returns the row's id */
async function insertServer(client: Prisma.TransactionClient, server: ServerToShow): Promise<number> {
  const { name, address, state = 'up' } = server
  const now = Date.now()
  const gone = state === 'lost' || state === 'stopped'
  const { id } = await client.server.create({
    data: {
      name,
      address,
      srvId: srvIdOf(address),
      startedAt: new Date(now - 51 * hour),
      readyAt: state === 'joining' ? null : new Date(now - 51 * hour),
      // An hour ahead keeps a server alive without heartbeats; 8 s ago is lost but still shown.
      lastSeenAt: new Date(gone ? now - 8_000 : now + hour),
      stoppedAt: state === 'stopped' ? new Date(now - 8_000) : null,
      draining: state === 'draining',
      rate: 12.3,
      p50Ms: 2.14,
      p99Ms: 118.6,
      errors: 1234,
      errorCodes: 'overloaded:1230,outcome_unknown:4',
      streams: 56,
      memoryBytes: 123_456_789n,
    },
  })
  return id
}

/** Visits to one server, from these addresses in turns */
type ServerVisits = { server: string; count: number; clientIps: string[] }

/** Counts and logs visits as a replica does, in one transaction, so all totals stay equal. @returns the last visit's number */
async function insertVisits(client: PrismaClient, visits: ServerVisits[]): Promise<number> {
  return client.$transaction(
    async tx => {
      let last = 0
      for (const { server: name, count, clientIps } of visits) {
        const { value } = await tx.globalCounter.update({
          where: { id: 1 },
          data: { value: { increment: count } },
        })
        const server = await tx.server.findFirstOrThrow({ where: { name }, orderBy: { id: 'desc' } })
        const newHits = Math.ceil(count / 3)
        await tx.server.update({
          where: { id: server.id },
          data: {
            hits: { increment: count },
            newHits: { increment: newHits },
            returningHits: { increment: count - newHits },
            commits: { increment: 1 },
          },
        })
        const at = new Date()
        await tx.accessLog.createMany({
          data: Array.from({ length: count }, (_, index) => ({
            id: value - BigInt(count - 1 - index),
            createdAt: at,
            clientIp: clientIps[index % clientIps.length] ?? '',
            srvId: server.srvId,
            serverId: server.id,
            cookieSrvId: index % 3 === 0 ? null : server.srvId,
            requestId: randomBytes(16).toString('hex'),
          })),
        })
        const bucketMs = shortBucketSeconds * 1000
        const start = new Date(Math.floor(at.getTime() / bucketMs) * bucketMs)
        await tx.serverBucket.upsert({
          where: { start_serverId: { start, serverId: server.id } },
          create: { start, serverId: server.id, hits: count },
          update: { hits: { increment: count } },
        })
        last = Number(value)
      }
      return last
    },
    { timeout: 30_000 },
  )
}
