import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { boundLog, lastLines, openLog } from './logs.ts'
import { temporaryFolder } from './testing.ts'

test('each start has a new log, and the previous one is kept', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'web-1.log')
  for (const text of ['one', 'two', 'three']) {
    await using log = await openLog(path)
    await log.write(text)
  }
  assert.equal(readFileSync(path, 'utf8'), 'three')
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'two')
})

test('the last lines are read from the end; no log has none', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'web-1.log')
  assert.equal(await lastLines(path, 2), '')
  writeFileSync(path, `${'x'.repeat(20_000)}\none\ntwo\n`)
  assert.equal(await lastLines(path, 2), 'one\ntwo')
})

test('a log that is too large is emptied while its writer has it open', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'access.log')
  await using log = await openLog(path)
  await log.write('0123456789')
  await boundLog(path, 10)
  assert.equal(readFileSync(path, 'utf8'), '0123456789')
  await log.write('a')
  await boundLog(path, 10)
  await log.write('b')
  assert.equal(readFileSync(path, 'utf8'), 'b')
  assert.equal(readFileSync(`${path}.1`, 'utf8'), '0123456789a')
})
