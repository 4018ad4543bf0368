// Stacks with stub replicas, for tests. As a program it runs one like `npm start`:  node stub-stack.ts DATA_DIR

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { print } from '../../lib/terminal.ts'
import { eventually } from '../../lib/testing.ts'
import { runUntilSignal } from '../command.ts'
import { readStackFile, type StackFile } from '../stack/data-dir.ts'
import { startStack } from '../stack/stack.ts'
import { type ReplicaProgram, root, type StackOptions } from '../stack/stack-options.ts'

/** A stack with a real database and NGINX and two stub replicas, stopped when it goes out of scope. */
export async function startStubStack(options: Partial<StackOptions> & { dataDir: string }) {
  const said: string[] = []
  const stack = await startStack({
    ...stubs(),
    report: (service, text) => said.push(`${service}: ${text}`),
    ...options,
  })
  return { ...stack, said, [Symbol.asyncDispose]: stack.stop }
}

const stubs = () => ({ replicas: 2, replica: stubReplica(), database: { size: 'small' } }) as const

type Launched = { pid: number; file: StackFile; output: () => string; exited: Promise<unknown[]> }

/** Runs this module as a program, of this clone or another one, as a terminal would, and waits until its stack runs. */
export function launch(dataDir: string, clone = root): Promise<Launched> {
  return run([join(clone, 'tools/launcher/testing/stub-stack.ts'), dataDir], process.env, dataDir)
}

/** Runs `npm run dev`'s program: the real replica from its sources, with NGINX on `httpPort` (host:port). */
export function launchDevelopment(dataDir: string, httpPort: string): Promise<Launched> {
  const environment = { ...process.env, DATA_DIR: dataDir, HTTP_HOST: '', HTTP_PORT: httpPort }
  return run([join(import.meta.dirname, '../start.ts'), 'dev'], environment, dataDir)
}

async function run(program: string[], env: NodeJS.ProcessEnv, dataDir: string): Promise<Launched> {
  const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => said.push(String(chunk)))
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  const output = () => said.join('')
  const file = await eventually(() => {
    if (child.exitCode !== null) throw new Error(`the launcher ended: ${output()}`)
    return readStackFile(join(dataDir, 'stack.json'))
  })
  return { pid: child.pid ?? 0, file, output, exited }
}

type StubOptions = {
  /** name of the replica that ends at its start */
  fault?: string
  /** the port that it checks on SIGTERM */
  nginxPort?: number
}

/** Runs stub-replica.ts. */
export function stubReplica({ fault = '', nginxPort = 0 }: StubOptions = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: [join(import.meta.dirname, 'stub-replica.ts')],
    cwd: import.meta.dirname,
    environment: { NODE_ENV: 'test', STUB_FAULT: fault, STUB_NGINX_PORT: String(nginxPort) },
    readyWithin: 30_000,
  }
}

export const pidsOf = ({ nginx, database, replicas }: StackFile) => [
  nginx.pid,
  database.pid,
  ...replicas.map(replica => replica.pid),
]

if (import.meta.main) {
  const [dataDir = ''] = process.argv.slice(2)
  await runUntilSignal(signal => startStack({ ...stubs(), dataDir, report: print, signal }))
}
