import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { StackFailure } from '../../lib/stack-failure.ts'
import type { Entrant } from './contender.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const app = 'bench/naive-next'

/** The ordinary Next way: a dynamic page, made for each request; run as Next's own documentation says. */
export const naiveNext: Entrant = {
  name: 'naive_next',
  program: {
    command: process.execPath,
    arguments: ['server.js'],
    cwd: join(root, app, '.next/standalone', app),
    environment: { ...process.env, NODE_ENV: 'production', HOSTNAME: '127.0.0.1' },
    readyWithin: 30_000,
  },
  tables: 'peers',
}

/** Has Next build it. Throws StackFailure. */
export async function buildNaiveNext(signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build', app], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    signal,
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new StackFailure(`next build ${app} ended with status ${status}`)
}
