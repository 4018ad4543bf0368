import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { z } from 'zod'
import { type Fate, startDatabaseProxy } from './database-proxy.ts'

/** Sends "COMMIT" through a proxy that has a trap for it, to a server that answers "done" and then ends. */
async function commitThrough(fate: Fate): Promise<{ received: string; answered: string }> {
  const received = Promise.withResolvers<string>()
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', packet => {
      received.resolve(String(packet))
      socket.end('done')
    })
    socket.on('close', () => received.resolve(''))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  await using proxy = await startDatabaseProxy(`mysql://user@127.0.0.1:${port}/board`)
  proxy.trap('COMMIT', fate)
  const client = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  client.on('error', () => {})
  client.write('COMMIT')
  const answered = await text(client)
  server.close()
  return { received: await received.promise, answered }
}

test('it cuts a packet, its answer, or neither, at the byte it is told', async () => {
  assert.deepEqual(await commitThrough({ kind: 'pass' }), { received: 'COMMIT', answered: 'done' })
  assert.deepEqual(await commitThrough({ kind: 'cut-answer', afterBytes: 2 }), {
    received: 'COMMIT',
    answered: 'do',
  })
  assert.deepEqual(await commitThrough({ kind: 'cut-request', afterBytes: 3 }), {
    received: 'COM',
    answered: '',
  })
})

test('a cut leaves at least a byte out', async () => {
  const { answered } = await commitThrough({ kind: 'cut-answer', afterBytes: 99 })
  assert.equal(answered, 'don')
})
