import { randomBytes } from 'node:crypto'
import { expect } from '@playwright/test'
import type { Prisma, PrismaClient } from '../../prisma/client/client.ts'
import { openPrismaClient } from '../../prisma/testing/prisma-client.ts'
import { readStackFile } from '../../tools/launcher/stack/data-dir.ts'
import { srvIdOf } from '../../web/server/identity.ts'

/**
 * The board that tests of states have for themselves, from behind: what they change is put back at the end. What they add
 * stands on the page for the next visitor; it takes some visits to see to that.
 */
export type BoardControl = AsyncDisposable & {
  url: string
  counter(): Promise<number>
  /** Servers beside the real one, shown until the end; their hits stay in the sums, as those of any server that left. */
  addServers(servers: ServerToShow[]): Promise<void>
  /** Visits as they would stand in the log, had these servers counted them. */
  addVisits(visits: ServerVisits[]): Promise<void>
  /** Every server says that it is draining, and goes on answering. */
  drainAll(): Promise<void>
  /** The process stands still, as on a machine that is out of memory, until the returned function is called. */
  freeze(part: 'database' | 'server'): () => void
}

export function openBoardControl(): BoardControl {
  const stack = readStackFile(process.env.STATES_STACK_FILE ?? '')
  const server = stack?.replicas[0]
  if (!stack || !server) throw new Error('STATES_STACK_FILE names no running stack')
  const witness = openPrismaClient(stack.databaseUrl)
  const changes = new AsyncDisposableStack()
  changes.defer(() => witness.$disconnect())
  const shown: number[] = []
  changes.defer(async () => void (await retire(witness, shown)))
  return {
    url: stack.url,
    async counter() {
      return Number((await witness.globalCounter.findUniqueOrThrow({ where: { id: 1 } })).value)
    },
    async addServers(servers) {
      for (const server of servers) shown.push(await insertServer(witness, server))
      await rendered(stack.url, new RegExp(`>${servers.at(-1)?.name}<`))
    },
    async addVisits(visits) {
      const last = await insertVisits(witness, visits)
      await rendered(stack.url, new RegExp(`<th[^>]*>${last}<`))
    },
    async drainAll() {
      changes.defer(() => requestDrain(witness, false))
      await requestDrain(witness, true)
    },
    freeze(part) {
      const { pid } = part === 'database' ? stack.database : server
      process.kill(pid, 'SIGSTOP')
      const thaw = () => void process.kill(pid, 'SIGCONT')
      changes.defer(thaw)
      return thaw
    },
    [Symbol.asyncDispose]: () => changes.disposeAsync(),
  }
}

/** Visits the page until it shows this: it may be a second old, and what comes afterwards moves what is read. */
async function rendered(url: string, what: RegExp): Promise<void> {
  await expect.poll(async () => (await fetch(url)).text()).toMatch(what)
}

/** The real servers read it with their next heartbeat, and acknowledge in `draining`. */
async function requestDrain(witness: PrismaClient, drain: boolean): Promise<void> {
  await witness.server.updateMany({ data: { drainWanted: drain } })
  const pending = { draining: !drain, stoppedAt: null, lastSeenAt: { gt: new Date(Date.now() - 10_000) } }
  await expect.poll(() => witness.server.count({ where: pending })).toBe(0)
}

/** Long silent, so no longer shown. */
function retire(witness: Prisma.TransactionClient, ids: number[]) {
  return witness.server.updateMany({
    where: { id: { in: ids } },
    data: { lastSeenAt: new Date(0), stoppedAt: new Date(0) },
  })
}

/** A server as a test wants it shown. */
type ServerToShow = {
  name: string
  address: string
  state?: 'joining' | 'up' | 'draining' | 'lost' | 'stopped'
}

const hour = 3_600_000

/** @returns the row's id */
async function insertServer(witness: Prisma.TransactionClient, life: ServerToShow): Promise<number> {
  const { name, address, state = 'up' } = life
  const now = Date.now()
  const gone = state === 'lost' || state === 'stopped'
  const { id } = await witness.server.create({
    data: {
      name,
      address,
      srvId: srvIdOf(address),
      startedAt: new Date(now - 51 * hour),
      readyAt: state === 'joining' ? null : new Date(now - 51 * hour),
      // One that lives is seen again and again; one that is gone was seen before it would be forgotten.
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

/** Visits of one server, from these addresses in turn. */
type ServerVisits = { server: string; count: number; clientIps: string[] }

/**
 * Counts and logs them as a replica would, in one transaction: all figures go on to agree.
 * @returns the last one's number
 */
async function insertVisits(witness: PrismaClient, visits: ServerVisits[]): Promise<number> {
  return witness.$transaction(
    async tx => {
      let last = 0
      for (const { server: name, count, clientIps } of visits) {
        const { value } = await tx.globalCounter.update({
          where: { id: 1 },
          data: { value: { increment: count } },
        })
        const server = await tx.server.findFirstOrThrow({ where: { name }, orderBy: { id: 'desc' } })
        await tx.server.update({ where: { id: server.id }, data: { hits: { increment: count } } })
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
        const minute = new Date(Math.floor(at.getTime() / 60_000) * 60_000)
        await tx.serverMinute.upsert({
          where: { minute_serverId: { minute, serverId: server.id } },
          create: { minute, serverId: server.id, hits: count },
          update: { hits: { increment: count } },
        })
        last = Number(value)
      }
      return last
    },
    { timeout: 30_000 },
  )
}
