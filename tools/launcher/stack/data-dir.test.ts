import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '../../../web/server/errors.ts'
import { temporaryFolder } from '../../lib/testing.ts'
import { checkSockets, keepAdminToken, openDataDir, takeLock, unusable } from './data-dir.ts'

test('a new folder is its owner’s alone', async () => {
  await using folder = await temporaryFolder()
  const dataDir = await openDataDir(join(folder.path, 'a', 'b'))
  assert.equal(statSync(dataDir.folder).mode & 0o777, 0o700)
})

test('the token of control is made once, is its owner’s alone, and a given one replaces it', async () => {
  await using folder = await temporaryFolder()
  const dataDir = await openDataDir(folder.path)
  const made = keepAdminToken(dataDir, null)
  assert.match(made, /^[0-9a-f]{48}$/)
  assert.equal(keepAdminToken(dataDir, null), made)
  assert.equal(keepAdminToken(dataDir, 'given-0123456789'), 'given-0123456789')
  assert.equal(readFileSync(dataDir.adminToken, 'utf8').trim(), 'given-0123456789')
  writeFileSync(dataDir.adminToken, 'short', { mode: 0o644 })
  assert.notEqual(keepAdminToken(dataDir, null), 'short')
  assert.equal(statSync(dataDir.adminToken).mode & 0o777, 0o600)
})

test('a file in place of the folder is reported in one sentence', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'file')
  writeFileSync(path, '')
  const message = `the folder ${path} cannot be used: a file is in its place`
  await assert.rejects(openDataDir(path), { name: 'UserError', message })
})

test('a file system error becomes a sentence about the folder; any other error is unchanged', () => {
  const full = Object.assign(new Error('write failed'), { code: 'ENOSPC' })
  const failure = unusable('/srv/board', full)
  assert.ok(failure instanceof UserError)
  assert.equal(failure.message, 'the folder /srv/board cannot be used: the disk is full')
  const other = new Error('a mistake')
  assert.equal(unusable('/srv/board', other), other)
})

function errorOf(does: () => unknown): unknown {
  try {
    does()
  } catch (error) {
    return error
  }
  return assert.fail('it did not fail')
}

test('an error about a path outside the folder names that path', async () => {
  await using folder = await temporaryFolder()
  const other = join(folder.path, 'file')
  writeFileSync(other, '')
  const outside = errorOf(() => readFileSync(join(other, 'below')))
  const messageFor = (dataDir: string) => {
    const failure = unusable(dataDir, outside)
    assert.ok(failure instanceof UserError)
    return failure.message
  }
  assert.equal(
    messageFor(join(folder.path, 'data')),
    `${join(other, 'below')} cannot be used: a file is in its place`,
  )
  for (const dataDir of [folder.path, join(other, 'below'), join(other, 'below', 'data')])
    assert.equal(messageFor(dataDir), `the folder ${dataDir} cannot be used: a file is in its place`)
})

test('sockets work in a folder with a long path; a disk without sockets is reported in one sentence', async () => {
  await using folder = await temporaryFolder()
  const dataDir = await openDataDir(join(folder.path, 'a'.repeat(200)))
  const before = readdirSync(dataDir.folder)
  await checkSockets(dataDir)
  assert.deepEqual(readdirSync(dataDir.folder), before)
  const refused = async () => Promise.reject(Object.assign(new Error('listen EPERM'), { code: 'EPERM' }))
  await assert.rejects(checkSockets(dataDir, refused), {
    name: 'UserError',
    message: /^the folder .* cannot be used: its disk supports no sockets \(EPERM\), .*Set DATA_DIR to /,
  })
})

test('a lock has one holder and can be taken again after its release', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  const lock = takeLock(path)
  assert.ok(lock)
  assert.equal(takeLock(path), null)
  lock.release()
  const again = takeLock(path)
  assert.ok(again)
  again.release()
})

test('a lock file that cannot be written is an error', async () => {
  await using folder = await temporaryFolder()
  assert.throws(() => takeLock(join(folder.path, 'missing', 'lock')), /unable to open/)
})
