import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { waitUntil } from '../../tools/lib/wait.ts'
import { compose, docker } from './docker.ts'
import { renewNginx, settle } from './testing/board.ts'

/** Another NGINX over the same replicas, whose cookie lives only three seconds. */
async function startBriefNginx(): Promise<{ id: string; url: string }> {
  const options = [
    '--detach',
    '--no-deps',
    '--env',
    'STICKY_SECONDS=3',
    '--env',
    'NGINX_ACCESS_LOG=/dev/stdout',
    '--publish',
    '127.0.0.1::80',
  ]
  const id = (await compose('run', ...options, 'nginx')).trim()
  const url = `http://${(await docker(['port', id, '80'])).trim()}`
  await waitUntil(`${url} has replicas`, 30_000, async () => (await fetch(`${url}/api/snapshot`)).ok)
  return { id, url }
}

/** Those that depend on the stack. The others look at the page alone, which is the same in both. */
const specs = ['board', 'contract', 'lab', 'paths'].map(name => `e2e/${name}.spec.ts`)

/** ms; they take some five minutes */
const timeout = 1_200_000

test('the browser tests of what a stack serves pass, as on the stack without Docker', {
  timeout,
}, async () => {
  await settle(3)
  const brief = await startBriefNginx()
  // Of these two, the first would run tests of plain processes, the second says that this is a test of Node's.
  const { STACK_FILE: _, NODE_TEST_CONTEXT: __, ...environment } = process.env
  try {
    const suite = spawn('playwright', ['test', '-c', 'e2e', ...specs], {
      cwd: `${import.meta.dirname}/../..`,
      env: { ...environment, BRIEF_COOKIE_URL: brief.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [[status], printed] = await Promise.all([once(suite, 'close'), text(suite.stdout)])
    console.log(printed)
    assert.equal(status, 0, printed)
  } finally {
    await docker(['rm', '--force', brief.id])
    await renewNginx()
  }
})
