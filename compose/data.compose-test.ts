import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visitMany } from '../e2e/load.ts'
import { compose } from './docker.ts'
import { baseUrl, expectTold, failuresOf, readAudit, settle } from './testing/board.ts'

test('down and up again keeps the count and the log', async () => {
  await settle(3)
  const { counter: before } = await readAudit()
  const told = await visitMany(`${baseUrl}/`, { connections: 4, pageViews: 100 })
  assert.deepEqual(failuresOf(told), [])
  await compose('down')
  await compose('up', '--detach')
  await settle(3)
  await expectTold(told, before)
  assert.equal((await readAudit()).counter, before + 100)
})
