import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'

const timeout = 60_000

test('the lock of a killed holder lasts until its last command has ended', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const events = join(folder.path, 'events')
  const mayEnd = join(folder.path, 'may-end')
  await writeFile(events, '')
  // Its `run` is the container of the lock, which ends when its input ends.
  const script = `#!/bin/sh
case "$1" in
run) cat; echo released >>'${events}' ;;
*)
  echo begun >>'${events}'
  while ! [ -e '${mayEnd}' ]; do sleep 0.1; done
  echo ended >>'${events}'
  ;;
esac
`
  await writeFile(join(folder.path, 'docker'), script, { mode: 0o755 })
  const lock = JSON.stringify(import.meta.resolve('./project-lock.ts'))
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { takeProjectLock } = await import(${lock})
      const { signal } = new AbortController()
      const held = await takeProjectLock({ project: 'a', image: 'b', signal, onWait() {} })
      await held.docker(['stop', 'c'])`,
    ],
    { env: { ...process.env, PATH: `${folder.path}:${process.env.PATH}` }, stdio: 'inherit' },
  )
  const lines = async () => (await readFile(events, 'utf8')).split('\n').filter(Boolean)
  try {
    await eventually(async () => (await lines()).includes('begun'))
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  } finally {
    holder.kill('SIGKILL')
    await writeFile(mayEnd, '')
  }
  await eventually(async () => (await lines()).length === 3)
  assert.deepEqual(await lines(), ['begun', 'ended', 'released'])
})
