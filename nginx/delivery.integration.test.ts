import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { ask, begin } from './testing/request-fixture.ts'
import { startBoard, ways } from './testing/run-nginx.ts'

const timeout = 30_000

for (const way of ways) {
  test(`${way}: an event arrives while the stream is open, and is not compressed`, { timeout }, async () => {
    await using board = await startBoard(way, { replicas: 1 })
    const streams: ServerResponse[] = []
    for (const replica of board.replicas)
      replica.answer = (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('data: 1\n\n')
        streams.push(response)
      }
    const response = await begin(board.port, '/api/live', { headers: { 'Accept-Encoding': 'gzip' } })
    assert.equal(response.headers['content-encoding'], undefined)
    assert.equal(String((await once(response, 'data'))[0]), 'data: 1\n\n')
    streams[0]?.write('data: 2\n\n')
    assert.equal(String((await once(response, 'data'))[0]), 'data: 2\n\n')
    response.destroy()
  })

  test(`${way}: an asset is fetched once, and outlives the replica that had it`, { timeout }, async () => {
    await using board = await startBoard(way)
    const [first, ...others] = board.replicas
    for (const replica of others) replica.answer = (_request, response) => void response.writeHead(404).end()
    if (first)
      first.answer = (_request, response) => {
        response.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
        response.end('code')
      }
    // However many replicas of another version are asked first, the one that has it answers.
    for (let view = 0; view < 5; view++) {
      const { status, body, headers } = await ask(board.port, `/_next/static/a.js?v=${view}`)
      assert.deepEqual([status, body], [200, 'code'])
      assert.match(String(headers['cache-control']), /immutable/)
    }
    assert.equal(first?.requests.length, 1)
    await Promise.all(board.replicas.map(replica => replica.die()))
    assert.equal((await ask(board.port, '/_next/static/a.js')).body, 'code')
  })

  test(`${way}: what may not be kept is not kept`, { timeout }, async () => {
    await using board = await startBoard(way, { replicas: 1 })
    for (let view = 0; view < 2; view++) await ask(board.port, '/_next/static/a.js')
    assert.equal(board.replicas[0]?.requests.length, 2)
  })

  test(`${way}: texts are compressed`, { timeout }, async () => {
    await using board = await startBoard(way, { replicas: 1 })
    let type = ''
    for (const replica of board.replicas)
      replica.answer = (_request, response) =>
        void response.writeHead(200, { 'Content-Type': type }).end('x'.repeat(5000))
    for (type of [
      'text/html; charset=utf-8',
      'application/json',
      'text/css',
      'image/svg+xml',
      'text/csv; charset=utf-8; header=present',
    ]) {
      const { headers } = await ask(board.port, '/x', { headers: { 'Accept-Encoding': 'gzip' } })
      assert.equal(headers['content-encoding'], 'gzip', type)
      assert.match(String(headers.vary), /Accept-Encoding/)
    }
  })
}
