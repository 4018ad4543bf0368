import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../tools/lib/testing.ts'
import { findDatabaseUrl } from './connect.ts'

test('the password of a file is for DATABASE_URL, and not for the stack of DATA_DIR', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'password')
  await writeFile(file, 'p@ss\n')
  const databaseUrl = 'mysql://board:kept@127.0.0.1:1/b'
  await writeFile(join(folder.path, 'stack.json'), JSON.stringify({ databaseUrl }))
  const env = { DATA_DIR: folder.path, DATABASE_PASSWORD_FILE: file }
  assert.equal(await findDatabaseUrl(env), databaseUrl)
  const url = await findDatabaseUrl({ ...env, DATABASE_URL: 'mysql://me@127.0.0.1:2/c' })
  assert.equal(url, 'mysql://me:p%40ss@127.0.0.1:2/c')
  const missing = { DATABASE_URL: 'mysql://me@127.0.0.1:2/c', DATABASE_PASSWORD_FILE: '~/password' }
  await assert.rejects(findDatabaseUrl(missing), {
    name: 'UserError',
    message: /^DATABASE_PASSWORD_FILE is a file that cannot be read: ENOENT/,
  })
})
