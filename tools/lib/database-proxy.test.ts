import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { type Fate, startDatabaseProxy } from './database-proxy.ts'
import { startStubServer } from './testing.ts'

/** A server that answers "done" to its first packet and then ends the connection, behind a proxy. */
async function startServer() {
  const received = Promise.withResolvers<string>()
  const answer = (socket: Socket) => {
    socket.on('error', () => {})
    socket.once('data', packet => {
      received.resolve(String(packet))
      socket.end('done')
    })
    socket.on('close', () => received.resolve(''))
  }
  const server = await startStubServer(createServer(answer))
  const proxy = await startDatabaseProxy(`mysql://user@127.0.0.1:${server.port}/board`)
  return {
    proxy,
    received: received.promise,
    connect: () => connect(Number(new URL(proxy.url).port), '127.0.0.1').on('error', () => {}),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Sends "COMMIT" through a proxy that has a trap for it. */
async function commitThrough(fate: Fate): Promise<{ received: string; answered: string }> {
  await using server = await startServer()
  server.proxy.trap('COMMIT', fate)
  const client = server.connect()
  client.write('COMMIT')
  const answered = await text(client)
  return { received: await server.received, answered }
}

test('the proxy cuts a packet, its answer or neither at the given byte', async () => {
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

test('cut off, it ends connections and refuses new ones; restored, it listens where it did', async () => {
  await using server = await startServer()
  const before = server.connect()
  await once(before, 'connect')
  const ended = once(before, 'close')
  await server.proxy.refuse()
  await ended
  const [error] = await once(server.connect(), 'error')
  assert.equal(error.code, 'ECONNREFUSED')
  await server.proxy.restore()
  const after = server.connect()
  after.write('COMMIT')
  assert.equal(await text(after), 'done')
})

test('silent, it accepts connections, and passes on what was sent only once it is restored', async () => {
  await using server = await startServer()
  const before = server.connect()
  await once(before, 'connect')
  server.proxy.silence()
  const meanwhile = server.connect()
  await once(meanwhile, 'connect')
  before.write('COMMIT')
  let isRestored = false
  before.on('data', () => assert.ok(isRestored))
  // A second proxy on the same machine is passed meanwhile: the first one had the time.
  assert.equal((await commitThrough({ kind: 'pass' })).answered, 'done')
  isRestored = true
  await server.proxy.restore()
  assert.equal(await server.received, 'COMMIT')
  await once(before, 'close')
  meanwhile.destroy()
})
