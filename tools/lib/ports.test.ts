import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { checkPort, freePorts, portFailure } from './ports.ts'

test('a folder has the same ports each time, except those in use', async () => {
  const { value: first } = await freePorts('/srv/a folder of this test').next()
  await using other = createServer().listen(first, '127.0.0.1')
  await once(other, 'listening')
  const { value: next } = await freePorts('/srv/a folder of this test').next()
  assert.ok(next !== first && next >= 20_000 && next < 30_000)
  await assert.rejects(checkPort('127.0.0.1', first), { message: /is in use/ })
})

test('an address of another machine cannot be listened on', async () => {
  await assert.rejects(checkPort('192.0.2.1', 8080), {
    message: '192.0.2.1 is not an address of this machine: set HTTP_HOST to an address of this machine',
  })
})

test('a port that needs more rights says so', () => {
  assert.match(portFailure('127.0.0.1', 80, 'EACCES').message, /may not listen on port 80/)
})
