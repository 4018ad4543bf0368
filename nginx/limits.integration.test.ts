import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import {
  type Answer,
  asCookie,
  type RequestOptions,
  sendRequest,
  startRequest,
} from './testing/client-and-replica.ts'
import { type Board, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 60_000

for (const mode of stickyModes) {
  test(`${mode}: an address that sends requests too fast gets 429`, { timeout }, async () => {
    await using board = await startBoard(mode, { limitPrivate: true })
    const page = await untilLimited(board.port, '/')
    assert.equal(page.headers['retry-after'], '5')
    assert.match(page.body, /Slow down/)
    const api = await untilLimited(board.port, '/api/snapshot')
    assert.equal(JSON.parse(api.body).error.code, 'too_many_requests')
    assert.equal((await sendRequest(board.port, '/healthz')).status, 200)
  })

  test(`${mode}: an address has a limit of concurrent requests`, { timeout }, async () => {
    await using board = await startBoard(mode, { limitPrivate: true })
    for (const replica of board.replicas)
      replica.answer = (_request, response) =>
        void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
    const streams = await Promise.all(
      Array.from({ length: 101 }, () => startRequest(board.port, '/api/live')),
    )
    assert.equal(streams.filter(({ statusCode }) => statusCode === 429).length, 1)
    for (const stream of streams) stream.destroy()
  })

  test(`${mode}: every address may use control only a few times a second, and no log shows the token`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    const headers = { Authorization: 'Bearer the-token-of-this-test' }
    const command = () => sendRequest(board.port, '/api/servers/web-1/kill', { method: 'POST', headers })
    const answers = await Promise.all(Array.from({ length: 80 }, command))
    const limited = answers.filter(({ status }) => status === 429)
    // 20, and 2 more a second however long this takes.
    assert.ok(limited.length > 0)
    assert.ok(answers.length - limited.length >= 20)
    assert.equal(JSON.parse(limited[0]?.body ?? '').error.code, 'too_many_requests')
    const reached = board.replicas.flatMap(({ requests }) => requests)
    assert.equal(reached.length, answers.length - limited.length)
    assert.equal(reached[0]?.headers.authorization, headers.Authorization)
    assert.equal((await sendRequest(board.port, '/api/snapshot')).status, 200)
    const logs = [...(await board.logged(81)), readFileSync(board.nginx.files.errorLog, 'utf8')]
    assert.ok(!logs.some(text => text.includes('the-token')))
    // NGINX answers a refused one with a page of its own, for which it changes the method to GET.
    const methods = logs
      .filter(text => text.includes('/api/servers/'))
      .map(text => /"method":"(\w*)"/.exec(text)?.[1])
    assert.deepEqual(new Set(methods.filter(Boolean)), new Set(['POST']))
  })

  test(`${mode}: loopback is not limited by default`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (let round = 0; round < 10; round++)
      for (const { status } of await askMany(board.port, '/')) assert.equal(status, 200)
  })
}

/** More than burst and rate let through, however slowly they are sent. */
async function untilLimited(port: number, path: string): Promise<Answer> {
  for (let round = 0; round < 40; round++) {
    const limited = (await askMany(port, path)).find(({ status }) => status === 429)
    if (limited) return limited
  }
  throw new Error('never limited')
}

function askMany(port: number, path: string): Promise<Answer[]> {
  return Promise.all(Array.from({ length: 50 }, () => sendRequest(port, path)))
}

// The test is a trusted proxy, so it says which public address a visitor has.
const behindProxy = { trustedProxies: ['127.0.0.1'] }

/** Two public addresses that have nothing to do with each other. */
const pairs = [
  ['IPv4', '203.0.113.7', '198.51.100.8'],
  ['IPv6', '2001:db8:0:7::1', '2001:db8:0:8::1'],
] as const

for (const mode of stickyModes) {
  for (const [kind, greedy, other] of pairs)
    test(`${mode}, ${kind}: while one address floods, all page views of another succeed`, {
      timeout,
    }, async () => {
      await using board = await startBoard(mode, behindProxy)
      const flood = startFlood(board, greedy)
      await flood.isLimited
      const views: number[] = []
      for (let view = 0; view < 60; view++) views.push((await visit(board, other)).status)
      const { answered, limited } = await flood.stop()
      assert.deepEqual(views, Array(60).fill(200))
      assert.ok(limited > answered, `of the flood ${answered} were answered, ${limited} limited`)
    })

  test(`${mode}: an address with too many streams gets an error, and other addresses are not affected`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, behindProxy)
    for (const replica of board.replicas) {
      const answer = replica.answer
      replica.answer = (request, response) => {
        if (request.url !== '/api/live') return answer(request, response)
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
      }
    }
    const watch = (address: string) => startRequest(board.port, '/api/live', { headers: from(address) })
    const streams = await Promise.all(Array.from({ length: 100 }, () => watch('203.0.113.7')))
    assert.deepEqual(new Set(streams.map(({ statusCode }) => statusCode)), new Set([200]))
    const refused = await visit(board, '203.0.113.7')
    assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '5'])
    assert.match(
      refused.body,
      /Too many requests came from this address, or it has too many connections open/,
    )
    assert.equal((await visit(board, '198.51.100.8')).status, 200)
    streams.push(await watch('198.51.100.8'))
    assert.equal(streams.at(-1)?.statusCode, 200)
    for (const stream of streams) stream.destroy()
  })

  test(`${mode}: an IPv6 visitor is its network: another address of it has the same limits`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, behindProxy)
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
  return sendRequest(board.port, '/', { headers: from(address) })
}

/** Far more than burst and rate let through, however slowly they are sent. */
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

// The test is a trusted proxy, so it says which address a visitor has. Public ones have a limit of their own, too.
const settings = { pageViews: 2, trustedProxies: ['127.0.0.1'] }
const visitors = { private: '10.0.0.7', public: '203.0.113.7' }

for (const mode of stickyModes) {
  for (const [kind, address] of Object.entries(visitors))
    test(`${mode}: a page view over the limit is refused immediately, and no replica gets it: ${kind}`, {
      timeout,
    }, async () => {
      await using board = await startBoard(mode, settings)
      const page = { headers: { 'X-Forwarded-For': address } }
      const [known] = board.replicas
      const held = await holdTwo(board, page)
      const person = await sendRequest(board.port, '/', { headers: { ...page.headers, Accept: 'text/html' } })
      const program = await sendRequest(board.port, '/?a=b', {
        headers: { ...page.headers, ...asCookie(known?.srvId ?? ''), Accept: 'application/json' },
      })
      for (const { status, headers, cookies } of [person, program]) {
        assert.deepEqual([status, headers['retry-after'], headers['cache-control']], [503, '5', 'no-store'])
        assert.deepEqual(cookies, [])
      }
      assert.match(person.body, /<h1>More visits than can be answered<\/h1>.*has not been counted/s)
      assert.doesNotMatch(person.body, /http-equiv="refresh"/)
      assert.equal(JSON.parse(program.body).error.code, 'overloaded')
      assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 2)

      held.answer()
      assert.deepEqual(await held.statuses, [200, 200])
      assert.equal((await sendRequest(board.port, '/', page)).status, 200)
    })

  test(`${mode}: while page views are refused, the board's feed and API answer`, { timeout }, async () => {
    await using board = await startBoard(mode, settings)
    const held = await holdTwo(board)
    for (const path of ['/api/snapshot', '/api/live', '/_next/static/a.js', '/healthz'])
      assert.equal((await sendRequest(board.port, path)).status, 200, path)
    held.answer()
    await held.statuses
  })
}

/** Two page views that replicas have taken and not answered. */
async function holdTwo({ port, replicas }: Board, question: RequestOptions = {}) {
  const waiting: ServerResponse[] = []
  const { promise: bothTaken, resolve } = Promise.withResolvers<void>()
  const usual = new Map(replicas.map(replica => [replica, replica.answer]))
  for (const replica of replicas)
    replica.answer = (_request, response) => {
      if (waiting.push(response) === 2) resolve()
    }
  const asked = [sendRequest(port, '/', question), sendRequest(port, '/', question)]
  await bothTaken
  for (const [replica, answer] of usual) replica.answer = answer
  return {
    answer: () => waiting.forEach(response => void response.end()),
    statuses: Promise.all(asked).then(answers => answers.map(({ status }) => status)),
  }
}
