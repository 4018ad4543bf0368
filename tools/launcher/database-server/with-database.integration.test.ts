import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

/** Runs `script` beside a database, with a temporary folder of its own to see what is left in. */
async function runBeside(t: TestContext, script: string) {
  const folder = await mkdtemp(join(tmpdir(), 'board-with-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const command = [
    join(import.meta.dirname, '..', 'testing/with-database.ts'),
    process.execPath,
    '-e',
    script,
    'an argument',
  ]
  const child = spawn(process.execPath, command, {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, ended: once(child, 'exit'), left: () => readdir(folder) }
}

test('gives the command its arguments and a database, passes on its status and leaves nothing behind', async t => {
  const run = await runBeside(
    t,
    `if (process.argv[1] !== 'an argument') process.exit(1)
     process.exit(process.env.TEST_DATABASE_URL.startsWith('mysql://') ? 7 : 2)`,
  )
  run.child.stdout.resume()
  assert.deepEqual(await run.ended, [7, null])
  assert.deepEqual(await run.left(), [])
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`passes ${signal} on, stops the database after the command, and ends by it too`, async t => {
    const run = await runBeside(t, `setInterval(() => {}, 1000); console.log('started')`)
    await once(run.child.stdout, 'data')
    run.child.kill(signal)
    assert.deepEqual(await run.ended, [null, signal])
    assert.deepEqual(await run.left(), [])
  })
}
