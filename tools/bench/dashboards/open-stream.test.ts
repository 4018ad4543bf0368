import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveStreams } from '../../../web/server/feed/live-streams.ts'
import { startStubServer } from '../../lib/testing/stub-server.ts'
import { openStream } from './open-stream.ts'

test('the changes that a board pushes are told, and that it ends', { timeout: 30_000 }, async () => {
  await using server = await startStubServer((request, response) => {
    assert.equal(request.url, '/api/live')
    const streams = new LiveStreams()
    streams.add(response, true)
    void streams.send(['change', { counter: 7, at: '', servers: [], earlier_hits: 0, log: [] }], [])
  })
  const { promise: told, resolve: onChange } = Promise.withResolvers<number>()
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>()
  await openStream(new URL(server.url), { onChange, onClose })
  assert.equal(await told, 7)
  server.closeConnections()
  await closed
})

test('a stream that is answered with an error is an error', { timeout: 30_000 }, async () => {
  await using server = await startStubServer((_request, response) => {
    response.writeHead(503).end('event: change\n')
  })
  const events = { onChange: () => {}, onClose: () => {} }
  await assert.rejects(openStream(new URL(server.url), events), /answered HTTP\/1.1 503/)
})

test('a stream that is refused is an error', { timeout: 30_000 }, async () => {
  await using server = await startStubServer((_request, response) => response.destroy())
  const events = { onChange: () => {}, onClose: () => {} }
  await assert.rejects(openStream(new URL(server.url), events), /closed before it began|ECONNRESET/)
})
