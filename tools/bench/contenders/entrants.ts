import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../web/server/errors.ts'
import { builtReplica } from '../../launcher/stack/stack-options.ts'
import { type PageSample, serialiseSample } from '../harness/load.ts'
import type { Testbed } from '../harness/testbed.ts'
import type { Entrant } from './contender.ts'

/** This stack, as `npm start` runs it. */
export const board: Entrant = { name: 'board', program: builtReplica(process.env), tables: 'board' }

/** The board's original. Uses Debian's Python, because Flask is installed as a Debian package. */
export const flask: Entrant = {
  name: 'flask',
  program: {
    command: '/usr/bin/python3',
    arguments: ['-m', 'gunicorn', 'app:app'],
    cwd: join(import.meta.dirname, 'flask'),
    environment: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    readyWithin: 30_000,
  },
  tables: 'peers',
}

const root = join(import.meta.dirname, '..', '..', '..')
const app = 'tools/bench/contenders/naive-next'

/** The usual way with Next: a dynamic page, rendered for each request, run as Next's documentation says */
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

/** Runs `next build`. @throws UserError */
export async function buildNaiveNext(signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build', app], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    signal,
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new UserError(`next build ${app} ended with status ${status}`)
}

/** A bare server that runs the board's transaction and answers with this sample of its page */
export async function limitOf(testbed: Testbed, sample: PageSample): Promise<Entrant> {
  const file = join(testbed.workspace.dataDir.folder, 'page-sample.json')
  await writeFile(file, serialiseSample(sample))
  return {
    name: 'limit',
    program: {
      command: process.execPath,
      arguments: [join(import.meta.dirname, 'limit-server.ts')],
      cwd: testbed.workspace.dataDir.folder,
      environment: { ...process.env, NODE_ENV: 'production', PAGE_SAMPLE: file },
      readyWithin: 30_000,
    },
    tables: 'board',
  }
}
