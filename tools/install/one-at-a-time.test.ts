import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../lib/eventually.ts'
import { temporaryFolder } from '../lib/temporary-folder.ts'

const module = JSON.stringify(import.meta.resolve('./one-at-a-time.mjs'))

/** A script in a process that keeps its locks in `folder`. */
const optionsIn = (folder: string) => ({ env: { ...process.env, TMPDIR: folder }, timeout: 60_000 })

function run(folder: string, script: string) {
  const program = `import { alone } from ${module}; import fs from 'node:fs'; ${script}`
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], optionsIn(folder))
}

/** Fails where two work at the same time. */
const exclusively = (rounds: number) =>
  `for (let n = 0; n < ${rounds}; n++) alone('root', () => { fs.mkdirSync('DIR'); fs.rmdirSync('DIR') })`

const name = createHash('sha256').update('root').digest('hex').slice(0, 16)
const lockOf = (folder: string) => join(folder, `balance-board-install-${name}.lock`)

function readLock(folder: string): string | null {
  try {
    return readFileSync(lockOf(folder), 'utf8')
  } catch {
    return null
  }
}

test('starts of the same checkout work one after the other', async () => {
  await using folder = await temporaryFolder()
  const script = exclusively(20).replaceAll('DIR', join(folder.path, 'at-work'))
  await Promise.all(Array.from({ length: 4 }, () => run(folder.path, script)))
  assert.deepEqual(readdirSync(folder.path), [])
})

test('the lock names its holder whenever it is there', async () => {
  await using folder = await temporaryFolder()
  let running = true
  const holder = run(folder.path, `for (let n = 0; n < 3000; n++) alone('root', () => {})`).finally(() => {
    running = false
  })
  let seen = 0
  while (running) {
    for (let look = 0; look < 200; look++) {
      const lock = readLock(folder.path)
      if (lock === null) continue
      assert.match(lock, /^\d+/)
      seen += 1
    }
    await new Promise(setImmediate)
  }
  await holder
  assert.ok(seen > 0)
})

test('a holder that was killed is not waited for, nor one whose number another process has now', async () => {
  await using folder = await temporaryFolder()
  const program = `import { alone } from ${module}; alone('root', () => { for (;;) {} })`
  const killed = spawn(process.execPath, ['--input-type=module', '-e', program], optionsIn(folder.path))
  const exited = once(killed, 'exit')
  await eventually(() => readLock(folder.path))
  killed.kill('SIGKILL')
  await exited
  const next = () => run(folder.path, `alone('root', () => console.log('worked'))`)
  assert.equal((await next()).stdout, 'worked\n')

  if (process.platform !== 'linux') return
  writeFileSync(lockOf(folder.path), `${process.pid} 1`)
  assert.equal((await next()).stdout, 'worked\n')
})

test('many starts that find the same holder dead work one after the other, too', async () => {
  await using folder = await temporaryFolder()
  const script = exclusively(1).replaceAll('DIR', join(folder.path, 'at-work'))
  for (let round = 0; round < 5; round++) {
    // No system counts this far: https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html (pid_max)
    writeFileSync(lockOf(folder.path), '4194305')
    await Promise.all(Array.from({ length: 4 }, () => run(folder.path, script)))
  }
})
