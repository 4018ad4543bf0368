import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, gzipSync } from 'node:zlib'
import { LiveStreams } from '../../../web/server/feed/live-feed.ts'
import { startStubServer } from '../../lib/testing.ts'
import { changeReader, delaysOf, openStream } from './arrivals.ts'

const begin = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), gzipSync('').subarray(0, 10)])
const event = (text: string) => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH })
const change = (counter: number) => event(`event: change\ndata: {"counter":${counter},"log":[]}\n\n`)

function readAll(...pieces: Buffer[]): number[][] {
  const read = changeReader()
  return pieces.map(piece => read(piece))
}

test('a change is reported with the piece that completes it', () => {
  const bytes = Buffer.concat([begin, change(7)])
  for (let cut = 1; cut < bytes.length; cut++)
    assert.deepEqual(readAll(bytes.subarray(0, cut), bytes.subarray(cut)), [[], [7]])
})

test('all changes in one piece are reported', () => {
  assert.deepEqual(readAll(begin, Buffer.concat([change(7), change(9)]), change(10)), [[], [7, 9], [10]])
})

test('other events are ignored', () => {
  const trouble = event('event: trouble\ndata: {"since":"now"}\n\n')
  const snapshot = event('event: snapshot\ndata: {"counter":2}\n\n')
  assert.deepEqual(readAll(begin, snapshot, Buffer.concat([trouble, change(3)]), trouble), [[], [], [3], []])
})

test('streams with the same bytes report the same counts', () => {
  const readers = [changeReader(), changeReader()]
  for (const counter of [7, 8])
    for (const read of readers)
      assert.deepEqual(read(Buffer.concat([...(counter === 7 ? [begin] : []), change(counter)])), [counter])
})

test('a stream reports the board’s changes and its end', { timeout: 30_000 }, async () => {
  await using server = await startStubServer((request, response) => {
    assert.equal(request.url, '/api/live')
    const streams = new LiveStreams()
    streams.add(response, true)
    void streams.send(['change', { counter: 7, at: '', servers: [], earlier_hits: 0, log: [] }], [])
  })
  const { promise: counter, resolve: onChange } = Promise.withResolvers<number>()
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>()
  await openStream(new URL(server.url), { onChange, onClose })
  assert.equal(await counter, 7)
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

const countedAt = new Map([
  [1, 1000],
  [2, 1100],
  [3, 1200],
  [4, 1300],
])
const first = { counter: 1, arrivals: [1010, 1010] }
const last = { counter: 4, arrivals: [9000] }

test('a hit’s delay runs from its count to the first change that includes it, at each dashboard', () => {
  const ticks = [first, { counter: 3, arrivals: [1250, 1260] }, last]
  // Hit 2 after 150 and 160 ms, hit 3 after 50 and 60 ms.
  assert.deepEqual(delaysOf(ticks, countedAt, 2), { p50Ms: 60, p95Ms: 160, delivered: 1 })
})

test('the order of the changes does not matter', () => {
  const ticks = [last, { counter: 2, arrivals: [1140, 1140] }, first]
  assert.deepEqual(delaysOf(ticks, countedAt, 2), { p50Ms: 40, p95Ms: 40, delivered: 1 })
})

test('a change that did not reach every dashboard lowers the delivered share', () => {
  const ticks = [first, { counter: 2, arrivals: [1140] }, { counter: 3, arrivals: [1240, 1240] }, last]
  assert.equal(delaysOf(ticks, countedAt, 2).delivered, 0.75)
})

test('without a change between the first and the last there is no delay', () => {
  assert.ok(Number.isNaN(delaysOf([first, last], countedAt, 2).p95Ms))
})
