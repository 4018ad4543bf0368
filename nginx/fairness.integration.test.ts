import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, ask, begin } from './testing/request-fixture.ts'
import { type Board, startBoard, ways } from './testing/run-nginx.ts'

const timeout = 60_000

// The test is a trusted proxy, so it says which public address a visitor has.
const behindProxy = { trustedProxies: ['127.0.0.1'] }

/** Two public addresses that have nothing to do with each other. */
const pairs = [
  ['IPv4', '203.0.113.7', '198.51.100.8'],
  ['IPv6', '2001:db8:0:7::1', '2001:db8:0:8::1'],
] as const

for (const way of ways) {
  for (const [kind, greedy, other] of pairs)
    test(`${way}, ${kind}: while one address floods, all page views of another succeed`, {
      timeout,
    }, async () => {
      await using board = await startBoard(way, behindProxy)
      const flood = startFlood(board, greedy)
      await flood.isLimited
      const views: number[] = []
      for (let view = 0; view < 60; view++) views.push((await visit(board, other)).status)
      const { answered, limited } = await flood.stop()
      assert.deepEqual(views, Array(60).fill(200))
      assert.ok(limited > answered, `of the flood ${answered} were answered, ${limited} limited`)
    })

  test(`${way}: an address with all its streams open is told so, and takes none from another`, {
    timeout,
  }, async () => {
    await using board = await startBoard(way, behindProxy)
    for (const replica of board.replicas) {
      const answer = replica.answer
      replica.answer = (request, response) => {
        if (request.url !== '/api/live') return answer(request, response)
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
      }
    }
    const watch = (address: string) => begin(board.port, '/api/live', { headers: from(address) })
    const streams = await Promise.all(Array.from({ length: 100 }, () => watch('203.0.113.7')))
    assert.deepEqual(new Set(streams.map(({ statusCode }) => statusCode)), new Set([200]))
    const refused = await visit(board, '203.0.113.7')
    assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '5'])
    assert.match(refused.body, /Too many requests came from this address, or it has too many open/)
    assert.equal((await visit(board, '198.51.100.8')).status, 200)
    streams.push(await watch('198.51.100.8'))
    assert.equal(streams.at(-1)?.statusCode, 200)
    for (const stream of streams) stream.destroy()
  })

  test(`${way}: an IPv6 visitor is its network: another address of it has the same limits`, {
    timeout,
  }, async () => {
    await using board = await startBoard(way, behindProxy)
    let host = 0
    const flood = startFlood(board, () => `2001:db8:0:7:${(host++ % 0xffff).toString(16)}::1`)
    await flood.isLimited
    const { limited } = await flood.stop()
    assert.ok(limited > 0)
  })
}

function from(address: string): Record<string, string> {
  return { 'X-Forwarded-For': address }
}

function visit(board: Board, address: string): Promise<Answer> {
  return ask(board.port, '/', { headers: from(address) })
}

/** Far more than burst and rate let through, however slowly they are asked. */
const hopeless = 10_000

/** Asks as fast as it is answered, twenty at a time, until it is stopped. */
function startFlood(board: Board, address: string | (() => string)) {
  const counts = { answered: 0, limited: 0 }
  const { promise: isLimited, resolve, reject } = Promise.withResolvers<void>()
  let stopped = false
  async function keepAsking(): Promise<void> {
    while (!stopped) {
      const { status } = await visit(board, typeof address === 'string' ? address : address())
      if (status === 429) resolve()
      counts[status === 429 ? 'limited' : 'answered']++
      if (counts.limited === 0 && counts.answered > hopeless) throw new Error('never limited')
    }
  }
  const all = Promise.all(Array.from({ length: 20 }, keepAsking))
  all.catch(reject)
  return {
    isLimited,
    async stop() {
      stopped = true
      await all
      return counts
    },
  }
}
