import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { runningReplicas } from './replica-containers.ts'
import { expectTold, failuresOf, readSnapshot, settle } from './testing/board.ts'
import { reportLoad } from './testing/report.ts'
import { visitWhile } from './testing/visit-while.ts'

/** `npm run roll`, and what it printed. */
async function roll(environment: Record<string, string> = {}) {
  const command = spawn(process.execPath, [`${import.meta.dirname}/roll.ts`], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [[status], stdout, stderr] = await Promise.all([
    once(command, 'close'),
    text(command.stdout),
    text(command.stderr),
  ])
  return { status: Number(status), printed: stdout + stderr }
}

async function idsOfReplicas(): Promise<string[]> {
  return (await runningReplicas()).map(({ id }) => id).toSorted()
}

test('rolling under load replaces every replica and fails no page view', async t => {
  await settle(3)
  const old = await idsOfReplicas()
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    // Another life of the cookie makes another version of the replicas.
    const { status, printed } = await roll({ STICKY_SECONDS: '301' })
    assert.equal(status, 0, printed)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectTold(visits.all, before)
  const now = await idsOfReplicas()
  assert.equal(now.length, 3)
  assert.deepEqual(
    now.filter(id => old.includes(id)),
    [],
  )
})

test('a version that cannot start leaves the old replicas as they were, and says why', async () => {
  await settle(3)
  const old = await idsOfReplicas()
  const { status, printed } = await roll({ STICKY_SECONDS: 'soon' })
  assert.equal(status, 1)
  assert.match(printed, /STICKY_SECONDS/)
  assert.match(printed, /serve on/)
  assert.deepEqual(await idsOfReplicas(), old)
})
