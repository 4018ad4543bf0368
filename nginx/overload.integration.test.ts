import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { asCookie, ask, type Question } from './testing/request-fixture.ts'
import { type Board, startBoard, ways } from './testing/run-nginx.ts'

const timeout = 30_000

// The test is a trusted proxy, so it says which address a visitor has. Public ones have a limit of their own, too.
const settings = { pageViews: 2, trustedProxies: ['127.0.0.1'] }
const visitors = { private: '10.0.0.7', public: '203.0.113.7' }

for (const way of ways) {
  for (const [kind, address] of Object.entries(visitors))
    test(`${way}: a page view too many is refused at once, and no replica hears of it: ${kind}`, {
      timeout,
    }, async () => {
      await using board = await startBoard(way, settings)
      const page = { headers: { 'X-Forwarded-For': address } }
      const [known] = board.replicas
      const held = await holdTwo(board, page)
      const person = await ask(board.port, '/', { headers: { ...page.headers, Accept: 'text/html' } })
      const program = await ask(board.port, '/?a=b', {
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
      assert.equal((await ask(board.port, '/', page)).status, 200)
    })

  test(`${way}: while page views are refused, the board's feed and API answer`, { timeout }, async () => {
    await using board = await startBoard(way, settings)
    const held = await holdTwo(board)
    for (const path of ['/api/snapshot', '/api/live', '/_next/static/a.js', '/healthz'])
      assert.equal((await ask(board.port, path)).status, 200, path)
    held.answer()
    await held.statuses
  })
}

/** Two page views that replicas have taken and not answered. */
async function holdTwo({ port, replicas }: Board, question: Question = {}) {
  const waiting: ServerResponse[] = []
  const { promise: bothTaken, resolve } = Promise.withResolvers<void>()
  const usual = new Map(replicas.map(replica => [replica, replica.answer]))
  for (const replica of replicas)
    replica.answer = (_request, response) => {
      if (waiting.push(response) === 2) resolve()
    }
  const asked = [ask(port, '/', question), ask(port, '/', question)]
  await bothTaken
  for (const [replica, answer] of usual) replica.answer = answer
  return {
    answer: () => waiting.forEach(response => void response.end()),
    statuses: Promise.all(asked).then(answers => answers.map(({ status }) => status)),
  }
}
