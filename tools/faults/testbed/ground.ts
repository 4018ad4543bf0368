import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtReplica, type ReplicaProgram } from '../../launcher/stack/replica-program.ts'
import { type Stack, startStack } from '../../launcher/stack/stack.ts'
import type { StackFile } from '../../launcher/stack/stack-file.ts'
import type { Report } from '../../launcher/stack/stack-options.ts'
import { type DatabaseProxy, startDatabaseProxy } from '../../lib/database-proxy.ts'
import { freePorts } from '../../lib/ports.ts'
import type { Answer } from '../../lib/visit-once.ts'
import { type DatabaseDoor, openDatabaseDoor } from './database-door.ts'
import type { Equipment } from './equipment.ts'
import type { Random } from './random.ts'
import { signalProcess } from './signals.ts'

export type ReplicaSeen = StackFile['replicas'][number]

/** What faults are brought upon: a whole stack, with a proxy between each replica and the database where faults need one. */
export type Ground = Equipment & {
  url: string
  /** the parts as they are now: a pid changes when a part is started again */
  parts(): StackFile
  /** any one of the replicas */
  someReplica(): ReplicaSeen
  proxyOf(replica: ReplicaSeen): DatabaseProxy
  database: DatabaseDoor
  /** what a replica has logged since it was started last */
  logOf(replica: ReplicaSeen): string
  random: Random
  /** what a fault's own visitors were told, or that they were told nothing: it counts as no page view of the load */
  asides: Answer[]
  /** promises of a fault's own that were broken, in words */
  complaints: string[]
  stop(): Promise<void>
}

export type GroundOptions = {
  dataDir: string
  random: Random
  replica?: ReplicaProgram
  report?: Report
  equipment: Equipment
  /**
   * whether a proxy is between each replica and the database; without it the database does not wait for this process, whatever
   * else it has to do
   */
  hasProxies: boolean
  signal: AbortSignal
}

export const replicas = 3
/** the replica that `replicaClock` belongs to */
export const replicaWithClock = 'web-3'

export async function openGround(options: GroundOptions): Promise<Ground> {
  const {
    dataDir,
    random,
    signal,
    equipment,
    hasProxies,
    replica = builtReplica(process.env),
    report = () => {},
  } = options
  const { replicaClock, databaseClock, memoryLimits } = equipment
  const proxies = new Map<string, DatabaseProxy>()
  const ports = freePorts(`${dataDir}/proxies`)

  async function proxyTo(databaseUrl: string, name: string): Promise<string> {
    const proxy = await startDatabaseProxy(databaseUrl, (await ports.next()).value)
    proxies.set(name, proxy)
    return proxy.url
  }
  const closeProxies = async () => {
    for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]()
  }
  const stack = await startStack({
    dataDir,
    replicas,
    replica: memoryLimits?.wrap(replica) ?? replica,
    ...(databaseClock && { database: { environment: databaseClock.variables } }),
    report,
    signal,
    async replicaVariables(name, databaseUrl) {
      return {
        ...(hasProxies && { DATABASE_URL: await proxyTo(databaseUrl, name) }),
        ...(name === replicaWithClock && replicaClock?.variables),
        ...memoryLimits?.variables(name),
      }
    },
  }).catch(async error => {
    await closeProxies()
    throw error
  })
  return {
    ...equipment,
    url: `${stack.url}/`,
    parts: stack.file,
    someReplica: () => anyOf(stack.file().replicas, random),
    proxyOf: ({ name }) => known(proxies.get(name), name),
    database: openDatabaseDoor(stack.databaseUrl),
    logOf: ({ name }) => readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8'),
    random,
    asides: [],
    complaints: [],
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
