import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, ask, begin } from './testing/request-fixture.ts'
import { startBoard, ways } from './testing/run-nginx.ts'

const timeout = 60_000

for (const way of ways) {
  test(`${way}: an address that asks too fast is told to slow down`, { timeout }, async () => {
    await using board = await startBoard(way, { limitPrivate: true })
    const page = await untilLimited(board.port, '/')
    assert.equal(page.headers['retry-after'], '5')
    assert.match(page.body, /Slow down/)
    const api = await untilLimited(board.port, '/api/snapshot')
    assert.equal(JSON.parse(api.body).error.code, 'too_many_requests')
    assert.equal((await ask(board.port, '/healthz')).status, 200)
  })

  test(`${way}: an address has so many requests open at once, and no more`, { timeout }, async () => {
    await using board = await startBoard(way, { limitPrivate: true })
    for (const replica of board.replicas)
      replica.answer = (_request, response) =>
        void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
    const streams = await Promise.all(Array.from({ length: 101 }, () => begin(board.port, '/api/live')))
    assert.equal(streams.filter(({ statusCode }) => statusCode === 429).length, 1)
    for (const stream of streams) stream.destroy()
  })

  test(`${way}: loopback is not limited by default`, { timeout }, async () => {
    await using board = await startBoard(way)
    for (let round = 0; round < 10; round++)
      for (const { status } of await askMany(board.port, '/')) assert.equal(status, 200)
  })
}

/** More than burst and rate let through, however slowly they are asked. */
async function untilLimited(port: number, path: string): Promise<Answer> {
  for (let round = 0; round < 40; round++) {
    const limited = (await askMany(port, path)).find(({ status }) => status === 429)
    if (limited) return limited
  }
  throw new Error('never limited')
}

function askMany(port: number, path: string): Promise<Answer[]> {
  return Promise.all(Array.from({ length: 50 }, () => ask(port, path)))
}
