import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { visitMany } from '../../tools/lib/load.ts'
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

test('npm run audit prints the figures of the stack with Docker', async () => {
  await settle(3)
  const { counter } = await readAudit()
  const command = spawn(process.execPath, [`${import.meta.dirname}/../local/audit.ts`], {
    // What the address of that stack looks like is nothing that the command needs.
    env: { ...process.env, DATA_DIR: `${import.meta.dirname}/no-stack-here`, HTTP_PORT: '127.0.0.1:1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [[status], printed] = await Promise.all([once(command, 'close'), text(command.stdout)])
  assert.equal(status, 0, printed)
  assert.match(printed, new RegExp(`^counter ${counter} = .*\\nconsistent: `))
})
