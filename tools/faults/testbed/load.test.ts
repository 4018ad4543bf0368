import assert from 'node:assert/strict'
import { Agent, type RequestListener } from 'node:http'
import { test } from 'node:test'
import { startStubServer } from '../../lib/testing.ts'
import { makeVisitor, startLoad } from './load.ts'

async function serve(listener: RequestListener) {
  const server = await startStubServer(listener)
  const agent = new Agent({ keepAlive: true })
  return {
    agent,
    url: `${server.url}/`,
    async [Symbol.asyncDispose]() {
      agent.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('a visitor that keeps its cookie sends the last one it got, another sends none; each has a unique address', async () => {
  const seen: (string | undefined)[] = []
  await using board = await serve((request, response) => {
    seen.push(`${request.socket.remoteAddress} ${request.headers.cookie}`)
    response.setHeader('Set-Cookie', ['srv_id=dead; path=/', `srv_id=live${seen.length}; path=/`])
    response.end('{}')
  })
  for (const [address, keepsCookie] of [
    ['127.1.0.1', true],
    ['127.1.0.2', false],
  ] as const) {
    const visitor = makeVisitor(board.url, board.agent, address, keepsCookie)
    await visitor.visit('application/json')
    await visitor.visit('application/json')
  }
  assert.deepEqual(seen, [
    '127.1.0.1 undefined',
    '127.1.0.1 srv_id=live1',
    '127.1.0.2 undefined',
    '127.1.0.2 undefined',
  ])
})

test('a request on a reused connection that the server closes is sent again, the first on a connection is not', async () => {
  const used = new WeakSet<object>()
  await using board = await serve(({ socket }, response) => {
    if (used.has(socket)) socket.destroy()
    else response.end('{}')
    used.add(socket)
  })
  const visitor = makeVisitor(board.url, board.agent, '127.1.0.1', false)
  const statuses = async () =>
    (await visitor.visit('application/json')).map(({ status, from }) => `${status} ${from}`)
  assert.deepEqual(await statuses(), ['200 127.1.0.1'])
  assert.deepEqual(await statuses(), ['0 127.1.0.1', '200 127.1.0.1'])
})

test('page views go on while nothing answers, and every started page view is recorded', async () => {
  const waiting: (() => void)[] = []
  const many = Promise.withResolvers<void>()
  await using board = await serve((_request, response) => {
    waiting.push(() => response.end('{}'))
    if (waiting.length === 100) many.resolve()
  })
  const load = startLoad(board.url, 1000)
  await many.promise
  const stopped = load.stop()
  const answering = setInterval(() => {
    for (const answer of waiting.splice(0)) answer()
  }, 5)
  await stopped
  clearInterval(answering)
  assert.ok(load.views.length >= 100)
  assert.deepEqual(new Set(load.views.map(({ status }) => status)), new Set([200]))
})
