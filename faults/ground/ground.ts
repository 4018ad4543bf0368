import { mkdirSync } from 'node:fs'
import type { Answer } from '../../e2e/visit-once.ts'
import { builtReplica, type ReplicaProgram } from '../../local/parts/replica-program.ts'
import { type Stack, startStack } from '../../local/stack.ts'
import type { StackFile } from '../../local/stack-file.ts'
import type { Report } from '../../local/stack-options.ts'
import { type DatabaseProxy, startDatabaseProxy } from '../database-proxy.ts'
import type { Random } from '../random.ts'
import { type DatabaseDoor, openDatabaseDoor } from './database-door.ts'
import { type FakedClock, makeFakedClock } from './faked-clock.ts'
import { signalProcess } from './signals.ts'
import type { SmallDisk } from './small-disk.ts'

export type ReplicaSeen = StackFile['replicas'][number]

/** What faults are brought upon: a whole stack, with a proxy between each replica and the database. */
export type Ground = {
  url: string
  /** the parts as they are now: a pid changes when a part is started again */
  parts(): StackFile
  /** any one of the replicas */
  someReplica(): ReplicaSeen
  proxyOf(replica: ReplicaSeen): DatabaseProxy
  database: DatabaseDoor
  /** the clock of one replica */
  clock: FakedClock | null
  smallDisk: SmallDisk | null
  random: Random
  /** what a fault's own visitors were told, or that they were told nothing: it counts as no page view of the load */
  asides: Answer[]
  stop(): Promise<void>
}

export type GroundOptions = {
  dataDir: string
  random: Random
  replica?: ReplicaProgram
  report?: Report
  /** where its database is, if not on the disk that all is on */
  smallDisk?: SmallDisk
  signal: AbortSignal
}

export const replicas = 3

export async function openGround(options: GroundOptions): Promise<Ground> {
  const { dataDir, random, signal, replica = builtReplica(process.env), report = () => {} } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const proxies = new Map<string, DatabaseProxy>()
  const clock = makeFakedClock(dataDir, 'web-3')

  const closeProxies = async () => {
    for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]()
  }
  const stack = await startStack({
    dataDir,
    replicas,
    replica,
    report,
    signal,
    async replicaVariables(name, databaseUrl) {
      const proxy = await startDatabaseProxy(databaseUrl)
      proxies.set(name, proxy)
      return { DATABASE_URL: proxy.url, ...(name === clock?.replica && clock.variables) }
    },
  }).catch(async error => {
    await closeProxies()
    throw error
  })
  return {
    url: `${stack.url}/`,
    parts: stack.file,
    someReplica: () => anyOf(stack.file().replicas, random),
    proxyOf: ({ name }) => known(proxies.get(name), name),
    database: openDatabaseDoor(stack.databaseUrl),
    clock,
    smallDisk: options.smallDisk ?? null,
    random,
    asides: [],
    stop: () => stop(stack).finally(closeProxies),
  }
}

function anyOf([first, ...others]: ReplicaSeen[], random: Random): ReplicaSeen {
  return random.oneOf([known(first, 'a replica'), ...others])
}

function known<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`the stack has no ${name}`)
  return thing
}

async function stop(stack: Stack): Promise<void> {
  const { nginx, database, replicas } = stack.file()
  // A frozen one would not hear that it should stop.
  for (const { pid } of [nginx, database, ...replicas]) signalProcess(pid, 'SIGCONT')
  await stack.stop()
}
