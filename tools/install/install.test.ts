import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { eventually, temporaryFolder } from '../lib/testing.ts'
import { isInstalled, lackIn, npmCommand } from './npm-packages.mjs'
import { missingBenchPrograms, missingHelpers, missingPrograms } from './programs.mjs'
import { candidatesIn, candidatesOf, installCommand, packagesOf } from './system-packages.mjs'

const zod = { version: '4.6.7', integrity: 'sha512-a' }
const forAnother = { version: '1.0.0', integrity: 'sha512-b', optional: true }

test('packages are installed when each stands there in its version, those for other machines aside', () => {
  const wanted = { '': {}, 'node_modules/zod': zod, 'node_modules/other': forAnother }
  assert.ok(isInstalled(wanted, { 'node_modules/zod': zod }))
  assert.ok(isInstalled(wanted, { 'node_modules/zod': zod, 'node_modules/other': forAnother }))
})

test('packages are not installed when one is absent, another version, or no longer wanted', () => {
  const wanted = { '': {}, 'node_modules/zod': zod }
  assert.ok(!isInstalled(wanted, {}))
  assert.ok(!isInstalled(wanted, { 'node_modules/zod': { ...zod, version: '4.6.6' } }))
  assert.ok(!isInstalled(wanted, { 'node_modules/zod': { ...zod, integrity: 'sha512-z' } }))
  assert.ok(!isInstalled(wanted, { 'node_modules/zod': zod, 'node_modules/old': zod }))
})

test('every command sees to the packages before it runs anything, also where npm runs no pre-scripts', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))
  for (const [name, command] of Object.entries(scripts)) {
    assert.match(
      command,
      /^(exec )?sh tools\/install\/command\.sh( --\w+)* (node|npm|tsc|biome|playwright) /,
      name,
    )
  }
})

test('the npm that runs the script is the one that installs', () => {
  assert.deepEqual(npmCommand('/usr/lib/npm/bin/npm-cli.js'), [
    process.execPath,
    '/usr/lib/npm/bin/npm-cli.js',
  ])
  assert.deepEqual(npmCommand('/usr/lib/yarn.js'), ['npm'])
  assert.deepEqual(npmCommand(undefined), ['npm'])
})

test('a Node that does not start for want of libatomic can be helped, any other cannot', () => {
  const complaint =
    'node: error while loading shared libraries: libatomic.so.1: cannot open shared object file'
  assert.deepEqual(lackIn(complaint), ['libatomic'])
  assert.throws(() => lackIn('Exec format error'), /does not start on this machine: Exec format error/)
})

test('what is missing is found, and MariaDB is only there with what makes its files', () => {
  const machine = (...names: string[]) => ({
    tests: false,
    find: (name: string) => (names.includes(name) ? `/usr/bin/${name}` : null),
  })
  const whole = ['nginx', 'mariadbd', 'mariadb-install-db', 'my_print_defaults']
  assert.deepEqual(missingPrograms('/', machine(...whole)), [])
  assert.deepEqual(missingPrograms('/', machine('nginx', 'mysqld')), [])
  assert.deepEqual(missingPrograms('/', machine('nginx', 'mariadbd')), ['database'])
  assert.deepEqual(missingPrograms('/', machine()), ['nginx', 'database'])
})

test('the fault run wants faketime, and can do without it; the tests cannot', () => {
  const find = (name: string) => (name === 'nginx' || name === 'mysqld' ? `/usr/bin/${name}` : null)
  assert.ok(missingPrograms('/', { tests: true, find }).includes('faketime'))
  assert.deepEqual(missingHelpers({ faults: true, find }), ['faketime'])
  assert.deepEqual(missingHelpers({ faults: false, find }), [])
  assert.deepEqual(missingHelpers({ faults: true, find: () => '/usr/bin/faketime' }), [])
})

test('tests need Chromium, Firefox, faketime and a program that dumps too', () => {
  const there = ['nginx', 'mysqld', 'chromium', 'faketime', 'mysqldump']
  const find = (name: string) => (there.includes(name) ? `/usr/bin/${name}` : null)
  assert.deepEqual(missingPrograms('/', { tests: true, find }), ['firefox'])
  for (const name of ['firefox', 'firefox-esr']) {
    assert.deepEqual(
      missingPrograms('/', {
        tests: true,
        find: asked => (asked === name ? `/usr/bin/${name}` : find(asked)),
      }),
      [],
    )
  }
})

test('only pictures need what makes a film of frames', () => {
  const there = ['nginx', 'mysqld']
  const find = (name: string) => (there.includes(name) ? `/usr/bin/${name}` : null)
  assert.deepEqual(missingPrograms('/', { tests: false, pictures: true, find }), ['webp'])
  there.push('img2webp')
  assert.deepEqual(missingPrograms('/', { tests: false, pictures: true, find }), [])
})

test('the bench lacks wrk where there is none, and Flask where the Python of the system lacks a part of it', () => {
  const machine = (programs: string[], modules: string[]) => ({
    find: (name: string) => (programs.includes(name) ? `/usr/bin/${name}` : null),
    imports: (...names: string[]) => names.every(name => modules.includes(name)),
  })
  assert.deepEqual(missingBenchPrograms(machine(['wrk'], ['flask', 'gunicorn', 'MySQLdb'])), [])
  assert.deepEqual(missingBenchPrograms(machine(['wrk'], ['flask', 'gunicorn'])), ['flask'])
  assert.deepEqual(missingBenchPrograms(machine([], [])), ['wrk', 'flask'])
})

test('what apt can install is read from what it says', () => {
  const said = [
    'nginx:',
    '  Installed: (none)',
    '  Candidate: 1.22.1-9+deb12u11',
    '  Version table:',
    '     1.22.1-9+deb12u11 500',
    'mysql-server-core-8.0:',
    '  Installed: (none)',
    '  Candidate: (none)',
  ].join('\n')
  assert.deepEqual([...candidatesIn(said)], ['nginx'])
})

test('of the packages for a part, the first that the system has is taken', () => {
  const known = new Set(['nginx', 'mariadb-server-core-10.6', 'mariadb-client-core-10.6'])
  assert.deepEqual(
    packagesOf('apt-get', ['nginx', 'database'], name => known.has(name)),
    ['nginx', 'mariadb-server-core-10.6', 'mariadb-client-core-10.6'],
  )
  assert.equal(
    packagesOf('apt-get', ['browser'], name => known.has(name)),
    null,
  )
  assert.ok(candidatesOf('apt-get', ['database']).includes('mariadb-server-core'))
})

test('where we may not install, there is one command to run', () => {
  const names = packagesOf('apt-get', ['nginx', 'database']) ?? []
  assert.equal(
    installCommand('apt-get', names, false),
    'sudo apt-get install -y --no-install-recommends nginx mariadb-server-core mariadb-client-core',
  )
  assert.equal(
    installCommand('brew', packagesOf('brew', ['nginx', 'database']) ?? [], false),
    'brew install nginx mysql',
  )
})

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
