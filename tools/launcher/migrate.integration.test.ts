import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../lib/temporary-folder.ts'

const timeout = 120_000

test('where no stack runs, `npm run migrate` starts the database of DATA_DIR for what it does, and ends it', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const { DATABASE_URL: _, ...env } = process.env
  const run = async (...words: string[]) => {
    const program = join(import.meta.dirname, 'migrate.ts')
    const done = await promisify(execFile)(process.execPath, [program, ...words], {
      env: { ...env, DATA_DIR: folder.path },
    }).catch((failed: { stdout: string; stderr: string }) => failed)
    return `${done.stdout}${done.stderr}`
  }
  assert.match(await run(), /^migrated: 20261122000000_first, /)
  assert.equal(await run(), 'the database is up to date\n')
  assert.match(await run('--applied', '20261122000000_first'), /did not fail: it is applied; none has/)
})
