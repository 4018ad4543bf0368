import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { temporaryFolder } from '../../lib/testing.ts'
import { failureFromLog, openHome } from './home.ts'
import { parseVersion } from './server-program.ts'
import { stopStrayDatabase } from './start.ts'

for (const [line, cause] of [
  [
    "[ERROR] mariadbd: Can't lock aria control file '/d/aria_log_control' for exclusive use, error: 11",
    'another',
  ],
  ['[ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 11', 'another'],
  ['[ERROR] InnoDB: Error number 28 means "No space left on device"', 'the disk is full'],
  [
    '[ERROR] InnoDB: preallocating 100663296 bytes for file ./ib_logfile101 failed with error 28',
    'the disk is full',
  ],
  [
    'mariadbd: Disk full (/d/aria_log.00000001); waiting for someone to free some space...',
    'the disk is full',
  ],
  ["Can't create file '/d/x' (errno: 13 \"Permission denied\")", 'this user has no permission to read'],
  [
    "Can't start server: Bind on TCP/IP port. Got error: 98: Address already in use",
    'another program uses its port',
  ],
  ['[ERROR] something else', 'its log ends with'],
] as const) {
  test(`says "${cause}" of: ${line}`, () => {
    const { message } = failureFromLog('start the database in /d', `started\n${line}\n`)
    assert.match(message, new RegExp(`^cannot start the database in /d: ${cause}`))
    assert(message.endsWith(line))
  })
}

for (const [text, flavour, version] of [
  [
    'mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)',
    'MariaDB',
    '10.11.19',
  ],
  [
    '/opt/homebrew/opt/mariadb/bin/mariadbd  Ver 12.1.2-MariaDB for osx10.20 on arm64 (Homebrew)',
    'MariaDB',
    '12.1.2',
  ],
  ['/usr/sbin/mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)', 'MySQL', '9.7.4'],
  ['/usr/sbin/mysqld  Ver 8.0.44-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))', 'MySQL', '8.0.44'],
] as const) {
  test(`reads ${flavour} ${version}`, () => {
    assert.deepEqual(parseVersion('/x', `${text}\n`), { path: '/x', flavour, version })
  })
}

test('what says no version is no server', () => {
  assert.equal(parseVersion('/x', 'mysqld: unknown option'), null)
})

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
