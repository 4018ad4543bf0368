import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { temporaryFolder } from '../../lib/testing.ts'
import { openHome } from './home.ts'
import { stopStrayDatabase } from './start.ts'

/** A process that looks like the server of this folder. */
async function startStray(folder: string, program: string) {
  const home = await openHome(folder)
  const script = `${program}; setInterval(() => {}, 1000); console.log('runs')`
  const child = spawn(process.execPath, ['-e', script, '--', `--datadir=${home.files}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await writeFile(home.pid, `${child.pid}\n`)
  return { pid: child.pid ?? 0, exited: once(child, 'exit') }
}

test('a server that does not end when it is asked to is killed', async () => {
  await using folder = await temporaryFolder()
  const stray = await startStray(folder.path, `process.on('SIGTERM', () => {})`)
  assert.equal(await stopStrayDatabase(folder.path, 200), true)
  assert.deepEqual(await stray.exited, [null, 'SIGKILL'])
  assert.equal(await stopStrayDatabase(folder.path, 200), false)
})

test('a server that is frozen ends in order', async () => {
  await using folder = await temporaryFolder()
  const stray = await startStray(folder.path, `process.on('SIGTERM', () => process.exit(7))`)
  process.kill(stray.pid, 'SIGSTOP')
  assert.equal(await stopStrayDatabase(folder.path), true)
  assert.deepEqual(await stray.exited, [7, null])
})
