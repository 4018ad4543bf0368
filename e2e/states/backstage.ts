import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Prisma } from '../../prisma/client/client.ts'
import { openWitness } from '../../prisma/witness.ts'
import { addLife, type Life } from './lives.ts'
import { addVisits, type VisitsOf } from './visits.ts'

/** The board that tests of states have for themselves, from behind: what they change is put back at the end. */
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

const stackFile = z.object({
  url: z.string(),
  databaseUrl: z.string(),
  database: z.object({ pid: z.number().int().positive() }),
  replicas: z.tuple([z.object({ pid: z.number().int().positive() })]),
})

export function openBackstage(): Backstage {
  const stack = stackFile.parse(JSON.parse(readFileSync(process.env.STATES_STACK_FILE ?? '', 'utf8')))
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
    },
    addVisits: visits => addVisits(witness, visits),
    async drainAll() {
      // A server writes its own state with each sign of life: only from inside can it be held.
      await witness.$executeRawUnsafe(
        'CREATE TRIGGER all_drain BEFORE UPDATE ON server FOR EACH ROW SET NEW.draining = 1',
      )
      undo.push(() => witness.$executeRawUnsafe('DROP TRIGGER all_drain'))
      await witness.server.updateMany({ data: { draining: true } })
    },
    freeze(part) {
      const { pid } = part === 'database' ? stack.database : stack.replicas[0]
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

/** Long silent, so no longer shown. */
function retire(witness: Prisma.TransactionClient, ids: number[]) {
  return witness.server.updateMany({
    where: { id: { in: ids } },
    data: { lastSeenAt: new Date(0), stoppedAt: new Date(0) },
  })
}
