import { expect } from '@playwright/test'
import type { Prisma, PrismaClient } from '../../prisma/client/client.ts'
import { openWitness } from '../../prisma/testing/prisma-client.ts'
import { readStackFile } from '../../tools/launcher/stack/stack-file.ts'
import { addLife, type Life } from './lives.ts'
import { addVisits, type VisitsOf } from './visits.ts'

/**
 * The board that tests of states have for themselves, from behind: what they change is put back at the end. What they add
 * stands on the page for the next visitor; it takes some visits to see to that.
 */
export type Backstage = AsyncDisposable & {
  url: string
  counter(): Promise<number>
  /** Servers beside the real one, shown until the end; their hits stay in the sums, as those of any server that left. */
  addServers(servers: Life[]): Promise<void>
  /** Visits as they would stand in the log, had these servers counted them. */
  addVisits(visits: VisitsOf[]): Promise<void>
  /** Every server says that it is draining, and goes on answering. */
  drainAll(): Promise<void>
  /** The process stands still, as on a machine that is out of memory, until the returned function is called. */
  freeze(part: 'database' | 'server'): () => void
}

export function openBackstage(): Backstage {
  const stack = readStackFile(process.env.STATES_STACK_FILE ?? '')
  const server = stack?.replicas[0]
  if (!stack || !server) throw new Error('STATES_STACK_FILE names no running stack')
  const witness = openWitness(stack.databaseUrl)
  const undo: (() => unknown)[] = [() => witness.$disconnect()]
  const shown: number[] = []
  undo.push(() => retire(witness, shown))
  return {
    url: stack.url,
    async counter() {
      return Number((await witness.globalCounter.findUniqueOrThrow({ where: { id: 1 } })).value)
    },
    async addServers(servers) {
      for (const server of servers) shown.push(await addLife(witness, server))
      await rendered(stack.url, new RegExp(`>${servers.at(-1)?.name}<`))
    },
    async addVisits(visits) {
      const last = await addVisits(witness, visits)
      await rendered(stack.url, new RegExp(`<th[^>]*>${last}<`))
    },
    async drainAll() {
      undo.push(() => askToDrain(witness, false))
      await askToDrain(witness, true)
    },
    freeze(part) {
      const { pid } = part === 'database' ? stack.database : server
      process.kill(pid, 'SIGSTOP')
      const thaw = () => process.kill(pid, 'SIGCONT')
      undo.push(thaw)
      return thaw
    },
    async [Symbol.asyncDispose]() {
      for (const step of undo.toReversed()) await step()
    },
  }
}

/** Visits the page until it shows this: it may be a second old, and what comes afterwards moves what is read. */
async function rendered(url: string, what: RegExp): Promise<void> {
  await expect.poll(async () => (await fetch(url)).text()).toMatch(what)
}

/** The real servers hear of it with their next sign of life, and answer in `draining`. */
async function askToDrain(witness: PrismaClient, drain: boolean): Promise<void> {
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
