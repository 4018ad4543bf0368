import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../lib/temporary-folder.ts'
import { takeLock } from './lock.ts'

test('a lock has one holder, and can be taken again once it was released', async () => {
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

test('a lock that cannot be written is an error, not a holder', async () => {
  await using folder = await temporaryFolder()
  assert.throws(() => takeLock(join(folder.path, 'missing', 'lock')), /unable to open/)
})
