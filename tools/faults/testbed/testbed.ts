// The board that faults break: a stack from the launcher, proxies to its database, a load (load.ts) and
// equipment that not every machine offers (equipment.ts). fault.ts describes what a fault is. Called by ../trial and ../list.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import type { StackFile } from '../../launcher/stack/data-dir.ts'
import { type Stack, startStack } from '../../launcher/stack/stack.ts'
import { builtReplica, type ReplicaProgram } from '../../launcher/stack/stack-options.ts'
import { type DatabaseProxy, startDatabaseProxy } from '../../lib/database-proxy.ts'
import { freePorts } from '../../lib/ports.ts'
import { signalProcess } from '../../lib/processes.ts'
import type { Report } from '../../lib/terminal.ts'
import type { Answer } from '../../lib/visitors.ts'
import { until } from '../../lib/wait.ts'
import type { Equipment } from './equipment.ts'

type TestbedReplica = StackFile['replicas'][number]

/** A whole stack for faults, with a proxy between each replica and the database if faults need one */
export type Testbed = Equipment & {
  url: string
  /** the current processes; a pid changes when a process restarts */
  processes(): StackFile
  /** a random replica */
  someReplica(): TestbedReplica
  proxyOf(replica: TestbedReplica): DatabaseProxy
  database: DatabaseAccess
  /** a replica's log since its last start */
  logOf(replica: TestbedReplica): string
  random: Random
  /** answers, or missing answers, of a fault's extra visitors; they do not count as page views of the load */
  sideTraffic: Answer[]
  /** broken promises that only this fault makes, in words */
  complaints: string[]
  stop(): Promise<void>
}

export type TestbedOptions = {
  dataDir: string
  random: Random
  replica?: ReplicaProgram
  report?: Report
  equipment: Equipment
  /** whether a proxy is between each replica and the database; without one, a busy test process does not delay the database */
  hasProxies: boolean
  signal: AbortSignal
}

export const replicas = 3
/** the replica with `replicaClock` */
export const replicaWithClock = 'web-3'

export async function openTestbed(options: TestbedOptions): Promise<Testbed> {
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
    async replicaVariables({ name }, databaseUrl) {
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
    processes: stack.file,
    someReplica: () => anyOf(stack.file().replicas, random),
    proxyOf: ({ name }) => known(proxies.get(name), name),
    database: openDatabaseAccess(stack.databaseUrl),
    logOf: ({ name }) => readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8'),
    random,
    sideTraffic: [],
    complaints: [],
    stop: () => stop(stack).finally(closeProxies),
  }
}

function anyOf([first, ...others]: TestbedReplica[], random: Random): TestbedReplica {
  return random.oneOf([known(first, 'a replica'), ...others])
}

function known<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`the stack has no ${name}`)
  return thing
}

async function stop(stack: Stack): Promise<void> {
  const { nginx, database, replicas } = stack.file()
  // A frozen process does not react to SIGTERM.
  for (const { pid } of [nginx, database, ...replicas]) signalProcess(pid, 'SIGCONT')
  await stack.stop()
}

/** Direct access to the database, past the replicas and their proxies */
type DatabaseAccess = {
  /** Waits while the database is down. */
  connect(): Promise<Connection>
  /** as administrator, over the socket, which only this user of this machine may use */
  connectAsRoot(): Promise<Connection>
  untilItAnswers(): Promise<void>
}

const socketRow = z.tuple([z.object({ path: z.string() })])
const answerTimeoutMs = 1000

function openDatabaseAccess(databaseUrl: string): DatabaseAccess {
  async function connect(): Promise<Connection> {
    const connections: Connection[] = []
    await until('the database answers', async () => {
      connections.push(await openConnection({ uri: databaseUrl }))
      return true
    })
    const [connection] = connections
    if (!connection) throw new Error('the database answered on no connection')
    return connection
  }
  return {
    connect,
    async connectAsRoot() {
      const connection = await connect()
      const [rows] = await connection.query('SELECT @@socket AS path')
      await connection.end()
      const [{ path }] = socketRow.parse(rows)
      return openConnection({
        socketPath: path,
        user: 'root',
        // MariaDB identifies the user by the socket's peer, and expects an empty answer.
        authPlugins: { unix_socket: () => async () => Buffer.alloc(0) },
      })
    },
    async untilItAnswers() {
      const connection = await connect()
      connection.destroy()
    },
  }
}

/** If the connection breaks, its next query fails. @throws if the database does not answer within 1 s */
async function openConnection(options: mysql.ConnectionOptions): Promise<Connection> {
  const connection = await mysql.createConnection({ ...options, connectTimeout: answerTimeoutMs })
  connection.on('error', () => {})
  try {
    await connection.query({ sql: 'SELECT 1', timeout: answerTimeoutMs })
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}

/** Repeatable random numbers: the same seed gives the same faults */
export type Random = {
  /** a whole number from `least` to `most` */
  between(least: number, most: number): number
  oneOf<T>(choices: readonly [T, ...T[]]): T
}

/** mulberry32. Source: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return { between, oneOf: choices => choices[between(0, choices.length - 1)] ?? choices[0] }
}
