// Three Galera nodes as plain processes on 127.0.0.1: MariaDB servers that hold the same data. run.ts starts and breaks them.
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Connection } from 'mysql2/promise'
import { onceUpToDate } from '../../web/server/db/pools.ts'
import { UserError } from '../../web/server/errors.ts'
import { findProgram } from '../install/programs.mjs'
import { findDatabaseServer, findInstaller } from '../launcher/database-server/server-program.ts'
import { type RunningService, spawnService } from '../launcher/stack/supervise.ts'
import {
  accountStatements,
  databaseName,
  ownerAccount,
  type Passwords,
  replicaAccount,
} from '../lib/database-accounts.ts'
import { signalProcess } from '../lib/processes.ts'
import { waitUntil } from '../lib/wait.ts'
import { connect, readStatus, serveHealth } from './health.ts'

/** A node keeps its ports and data when its process ends and starts again. */
export type Node = {
  name: string
  port: number
  /** answers 200 while the node is in the part of the cluster that may write, and has all data: what HAProxy checks */
  healthPort: number
  /** for an administrator */
  url: string
  /** for the replicas' account */
  replicaUrl: string
  pid(): number
  connect(): Promise<Connection>
  /** Starts its process, and resolves when the node has all data. */
  start(): Promise<void>
  /** Resolves when the killed process is gone. */
  kill(): Promise<void>
  /** Resolves when it is in one cluster with all others and has all that they have committed. */
  untilJoined(): Promise<void>
}

export type Cluster = AsyncDisposable & { nodes: [Node, Node, Node] }

/** Ports of a node: for clients, the group, the copy of all data, missing transactions, and the health check. */
type Place = { name: string; folder: string } & Record<
  'port' | 'group' | 'copy' | 'missing' | 'healthPort',
  number
>

/** Starts three nodes in `folder`, one after the other: the first makes the cluster, the others copy its data. */
export async function startCluster(
  folder: string,
  freePort: () => Promise<number>,
  signal: AbortSignal,
): Promise<Cluster> {
  await using resources = new AsyncDisposableStack()
  const machine = await findMachine()
  await chmod(folder, 0o755) // the nodes' user must reach their folders
  const places: Place[] = []
  for (const name of ['node-1', 'node-2', 'node-3']) {
    const [port, group, copy] = [await freePort(), await freePort(), await freePort()]
    const [missing, healthPort] = [await freePort(), await freePort()]
    places.push({ name, folder: join(folder, name), port, group, copy, missing, healthPort })
  }
  const nodes: Node[] = []
  for (const [index, place] of places.entries()) {
    const node = await makeNode(place, places, machine, resources, signal)
    if (index === 0) await makeFirstFiles(place, machine)
    await node.start()
    nodes.push(node)
  }
  const [first, second, third] = nodes
  if (!first || !second || !third) throw new Error('three places make three nodes')
  const kept = resources.move()
  return { nodes: [first, second, third], [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

type Machine = {
  /** mariadbd */
  program: string
  /** mariadb-install-db */
  installer: string
  /** Galera's library */
  provider: string
  /** the user of the nodes, if this one is root: as root, the copy of all data fails */
  user: { uid: number; gid: number } | null
  passwords: Passwords
}

/** Where Debian and others have it. */
const providers = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so']

async function findMachine(): Promise<Machine> {
  const server = await findDatabaseServer()
  const installer = server && findInstaller(server)
  const provider = providers.find(path => existsSync(path))
  if (server?.flavour !== 'MariaDB' || !installer || !provider || !findProgram('wsrep_sst_rsync'))
    throw new UserError('MariaDB with Galera is not installed on this machine')
  const idOf = (option: string) => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : null
  const password = () => randomBytes(16).toString('hex')
  return {
    program: server.path,
    installer,
    provider,
    user,
    passwords: { owner: password(), replica: password() },
  }
}

/** ms for a node to start and to get its data */
const startMs = 90_000

async function makeNode(
  place: Place,
  places: Place[],
  machine: Machine,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Node> {
  const { name, folder, port, healthPort } = place
  const urlOf = (account: string, password: string) =>
    `mysql://${account}:${password}@127.0.0.1:${port}/${databaseName}`
  const url = urlOf(ownerAccount, machine.passwords.owner)
  const healthUrl = `http://127.0.0.1:${healthPort}/`
  for (const each of [folder, ...writtenFolders(place)]) {
    await mkdir(each, { recursive: true })
    if (machine.user) await chown(each, machine.user.uid, machine.user.gid)
  }
  resources.use(await serveHealth(url, healthPort))
  let service: RunningService | null = null
  resources.defer(async () => {
    if (service) signalProcess(service.pid, 'SIGCONT')
    await service?.stop()
  })
  const pid = () => service?.pid ?? 0
  return {
    name,
    port,
    healthPort,
    url,
    replicaUrl: urlOf(replicaAccount, machine.passwords.replica),
    pid,
    connect: () => connect(url),
    async start() {
      service = await spawnService(
        {
          name,
          program: machine.program,
          arguments: [
            ...serverArguments(place, places, machine),
            ...(await positionArguments(place, places, machine)),
          ],
          cwd: folder,
          environment: process.env,
          log: join(folder, 'log'),
          record: { add() {}, remove() {} },
          readyUrl: healthUrl,
          readyWithin: startMs,
          liveness: null,
          endings: [['SIGTERM', 20_000]],
        },
        signal,
      )
    },
    async kill() {
      signalProcess(pid(), 'SIGKILL')
      await service?.exited
    },
    untilJoined: () => waitUntil(`${name} has joined`, startMs, () => hasJoined(url, places.length), 100),
  }
}

/**
 * A node that was frozen does not know yet that the others have gone on without it, and says that all is well. But it cannot make
 * sure that it has all that was committed.
 */
async function hasJoined(url: string, size: number): Promise<boolean> {
  const connection = await connect(url, joinTimeoutMs)
  try {
    await connection.query({ sql: onceUpToDate('SELECT 1'), timeout: joinTimeoutMs })
    return Number((await readStatus(connection, joinTimeoutMs)).wsrep_cluster_size) === size
  } finally {
    connection.destroy()
  }
}

/** ms for an answer of a node that may have to catch up first */
const joinTimeoutMs = 5000

const filesOf = ({ folder }: Place) => join(folder, 'files')
const temporaryOf = ({ folder }: Place) => join(folder, 'temporary')
const accountsOf = ({ folder }: Place) => join(folder, 'accounts.sql')
const writtenFolders = (place: Place) => [filesOf(place), temporaryOf(place)]

/** The first node's files. The others copy theirs. */
async function makeFirstFiles(place: Place, { installer, user, passwords }: Machine): Promise<void> {
  const options = [
    '--no-defaults',
    ...(user ? ['--user=nobody'] : []),
    ...[`--datadir=${filesOf(place)}`, `--tmpdir=${temporaryOf(place)}`, '--innodb-log-file-size=16M'],
    ...['--auth-root-authentication-method=socket', '--skip-name-resolve', '--skip-test-db'],
  ]
  await promisify(execFile)(installer, options)
  await writeFile(accountsOf(place), accountStatements(passwords, { host: '127.0.0.1', everything: true }))
}

/**
 * Group membership in less time than by default: all commits wait while the group decides that a silent node is gone, or takes it
 * back. Messages of that decision can get lost, and each is sent again after `join_retrans_period`, by default 1 s. If the group has
 * not agreed after `install_timeout`, half of `inactive_timeout`, nodes that are well declare each other gone, and no node may write.
 * So what is lost must be sent again many times within it.
 * Source: https://galeracluster.com/library/documentation/galera-parameters.html, and gcomm/src/evs_proto.cpp for the last two
 */
const membership = [
  'evs.keepalive_period=PT0.5S',
  'evs.inactive_check_period=PT0.25S',
  'evs.join_retrans_period=PT0.2S',
  'evs.suspect_timeout=PT2S',
  'evs.inactive_timeout=PT4S',
]

function serverArguments(place: Place, places: Place[], { provider, user }: Machine): string[] {
  const { name, folder, port, group, copy, missing } = place
  const others = places.filter(other => other !== place)
  const providerOptions = [
    ...[
      `base_port=${group}`,
      `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
      `ist.recv_addr=127.0.0.1:${missing}`,
    ],
    ...['gcache.size=64M', ...membership],
  ]
  return [
    '--no-defaults',
    ...(user ? ['--user=nobody'] : []),
    ...[`--datadir=${filesOf(place)}`, `--tmpdir=${temporaryOf(place)}`],
    ...[`--socket=${join(folder, 'temporary/s')}`, `--pid-file=${join(folder, 'temporary/pid')}`],
    ...['--bind-address=127.0.0.1', `--port=${port}`, '--skip-name-resolve', '--performance-schema=OFF'],
    ...['--innodb-buffer-pool-size=64M', '--innodb-log-file-size=16M'],
    // A killed process loses nothing: the system has what it wrote, and the other nodes have the transactions.
    '--innodb-flush-log-at-trx-commit=2',
    ...['--character-set-server=ascii', '--collation-server=ascii_bin'],
    ...[
      '--binlog-format=ROW',
      '--innodb-autoinc-lock-mode=2',
      '--wsrep-on=ON',
      `--wsrep-provider=${provider}`,
    ],
    ...['--wsrep-cluster-name=board', `--wsrep-node-name=${name}`, `--wsrep-node-address=127.0.0.1:${group}`],
    `--wsrep-cluster-address=gcomm://${places.map(each => `127.0.0.1:${each.group}`).join()}`,
    ...['--wsrep-sst-method=rsync', `--wsrep-sst-receive-address=127.0.0.1:${copy}`],
    // The last node gives its data first: it does not write.
    `--wsrep-sst-donor=${others
      .map(other => other.name)
      .toReversed()
      .join()},`,
    `--wsrep-provider-options=${providerOptions.join(';')}`,
  ]
}

/** A new cluster for the first files. A node that was killed says first up to where its files go, as systemd's unit does. */
async function positionArguments(place: Place, places: Place[], machine: Machine): Promise<string[]> {
  if (!existsSync(join(filesOf(place), 'ibdata1'))) return []
  if (!existsSync(join(filesOf(place), 'grastate.dat')))
    return ['--wsrep-new-cluster', `--init-file=${accountsOf(place)}`]
  const { stderr } = await promisify(execFile)(machine.program, [
    ...serverArguments(place, places, machine),
    '--wsrep-recover',
  ])
  const position = /Recovered position: *([0-9a-f-]+:-?\d+)/.exec(stderr)?.[1]
  return position ? [`--wsrep-start-position=${position}`] : []
}
