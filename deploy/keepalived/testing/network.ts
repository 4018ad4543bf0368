// Runs a command beside a small network of network namespaces and a board that its machines can reach; both are removed afterwards,
// with every process in the namespaces:
//   node deploy/keepalived/testing/network.ts node --test 'deploy/keepalived/*.integration.test.ts'
// FAILOVER_NETWORK and FAILOVER_STACK say where they are. The machines are linked to one switch, and this process is beside them.
// Needs root and the programs `ip` and `bridge` of iproute2; without the rights to create namespaces it fails, and says so.
//
//     this process ── switch ──┬── machine
//                              └── machine

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { buildIfChanged } from '../../../tools/launcher/stack/build.ts'
import { startStack } from '../../../tools/launcher/stack/stack.ts'
import { builtReplica } from '../../../tools/launcher/stack/stack-options.ts'
import { findProcess, signalProcess } from '../../../tools/lib/processes.ts'
import { print } from '../../../tools/lib/terminal.ts'
import { eventually, runBeside, temporaryFolder } from '../../../tools/lib/testing.ts'
import { reasonOf, UserError } from '../../../web/server/errors.ts'

const run = async (program: string, ...words: string[]) => (await promisify(execFile)(program, words)).stdout

export type Machine = {
  name: string
  address: string
  /** Starts a program in the machine's namespace, in its own process group. Its output goes to the file `log`. */
  start(command: string[], options: { cwd: string; log: string }): ChildProcess
  /** Whether one of its interfaces has this address. */
  holds(address: string): Promise<boolean>
  /** Pulls the plug: the machine notices. */
  cutLink(): Promise<void>
  /** The switch drops every packet of the link: the machine does not notice. */
  muteLink(): Promise<void>
  mendLink(): Promise<void>
  /** Ends it as a power cut does: its processes by SIGKILL, its interface with it. */
  die(): Promise<void>
}

/** Addresses of a network, and the prefix of its namespaces' names. */
export type Network = { prefix: string; address: string; virtualAddress: string }

/** The network of this process id, which `createNetwork` creates. Two test runs on one machine do not share it. */
function networkOf(pid: number): Network {
  const net = `10.${200 + (pid % 50)}.${Math.floor(pid / 50) % 256}`
  return { prefix: `board${pid}`, address: `${net}.1`, virtualAddress: `${net}.10` }
}

const switchOf = ({ prefix }: Network) => `${prefix}-switch`

/** Creates the switch and links this process's namespace to it. @throws Error without the rights to */
async function createNetwork(): Promise<Network> {
  for (const name of await namespaces()) {
    const owner = /^board(\d+)-/.exec(name)?.[1]
    // Of a test run that was killed.
    if (owner && !findProcess(Number(owner))) await removeNamespace(name)
  }
  const network = networkOf(process.pid)
  const { prefix, address } = network
  const hub = switchOf(network)
  try {
    await run('ip', 'netns', 'add', hub)
    await run('ip', '-n', hub, 'link', 'add', 'hub', 'type', 'bridge')
    await run('ip', '-n', hub, 'link', 'set', 'hub', 'up')
    await run('ip', 'link', 'add', prefix, 'type', 'veth', 'peer', 'name', 'home', 'netns', hub)
    await run('ip', '-n', hub, 'link', 'set', 'home', 'master', 'hub', 'up')
    await run('ip', 'address', 'add', `${address}/24`, 'dev', prefix)
    await run('ip', 'link', 'set', prefix, 'up')
    return network
  } catch (error) {
    await removeNetwork(network)
    throw error
  }
}

/** Removes the switch and all machines, with their processes. */
async function removeNetwork({ prefix }: Network): Promise<void> {
  const names = await namespaces()
  for (const name of names.filter(name => name.startsWith(`${prefix}-`))) await removeNamespace(name)
}

/** Names of all network namespaces of this machine. The list has a number behind some. */
const namespaces = async () =>
  (await run('ip', 'netns', 'list')).split('\n').map(line => line.split(' ')[0] ?? '')

/** Interfaces disappear with the namespace of one of their two ends, as soon as no process is left in it. */
async function removeNamespace(name: string): Promise<void> {
  await eventually(async () => {
    const pids = (await run('ip', 'netns', 'pids', name)).split('\n').filter(Boolean).map(Number)
    for (const pid of pids) signalProcess(pid, 'SIGKILL')
    return pids.length === 0
  })
  await run('ip', 'netns', 'delete', name)
}

/** Adds a machine to the network. `host`: the last part of its address. Its interface is eth0. */
export async function addMachine(network: Network, name: string, host: number): Promise<Machine> {
  const namespace = `${network.prefix}-${name}`
  const hub = switchOf(network)
  const address = network.address.replace(/\d+$/, String(host))
  await run('ip', 'netns', 'add', namespace)
  await run('ip', '-n', hub, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  await run('ip', '-n', hub, 'link', 'set', name, 'master', 'hub', 'up')
  await run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
  await run('ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
  await run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')
  // 0: the port drops packets, 3: it forwards them.
  const setPort = (state: '0' | '3') => run('bridge', '-n', hub, 'link', 'set', 'dev', name, 'state', state)
  return {
    name,
    address,
    start([program = '', ...words], { cwd, log }) {
      const output = openSync(log, 'a')
      const command = ['netns', 'exec', namespace, program, ...words]
      const child = spawn('ip', command, { cwd, detached: true, stdio: ['ignore', output, output] })
      closeSync(output)
      child.unref() // it ends with the network, after this process
      return child
    },
    async holds(other) {
      return (await run('ip', '-n', namespace, '-oneline', 'address', 'show')).includes(` ${other}/`)
    },
    async cutLink() {
      await run('ip', '-n', hub, 'link', 'set', name, 'down')
    },
    async muteLink() {
      await setPort('0')
    },
    async mendLink() {
      await run('ip', '-n', hub, 'link', 'set', name, 'up')
      await setPort('3')
    },
    die: () => removeNamespace(namespace),
  }
}

/** Starts both. @throws UserError without the rights to create namespaces */
async function startNetwork(signal: AbortSignal) {
  await using resources = new AsyncDisposableStack()
  const network = await createNetwork().catch(error => {
    throw new UserError(
      `this test makes network namespaces, which takes root and iproute2: ${reasonOf(error)}`,
    )
  })
  resources.defer(() => removeNetwork(network))
  await buildIfChanged(print, signal)
  const folder = resources.use(await temporaryFolder())
  const stack = await startStack({
    replicas: 2,
    replica: builtReplica(process.env),
    dataDir: folder.path,
    database: { size: 'small' },
    // The machines reach the servers at this side of the network, and the cookie is made of the address that NGINX knows.
    replicaVariables: async ({ port }) => ({
      HOST: '0.0.0.0',
      SERVER_ADDRESS: `${network.address}:${port}`,
    }),
    signal,
  })
  resources.defer(stack.stop)
  const kept = resources.move()
  return {
    environment: { FAILOVER_NETWORK: JSON.stringify(network), FAILOVER_STACK: JSON.stringify(stack.file()) },
    stop: () => kept.disposeAsync(),
  }
}

if (import.meta.main) await runBeside(process.argv.slice(2), startNetwork)
