import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asCookie,
  breakOff,
  drain,
  freeze,
  type StubReplica,
  sendRequest,
} from './testing/client-and-replica.ts'
import { type Board, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 30_000

for (const mode of stickyModes) {
  test(`${mode}: a visitor whose replica is gone is served by another, and bound to it`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    const gone = firstOf(board)
    await gone.die()
    const { status, headers, cookies } = await sendRequest(board.port, '/', { headers: asCookie(gone.srvId) })
    assert.equal(status, 200)
    assert.notEqual(headers['x-srv-id'], gone.srvId)
    assert.deepEqual(values(cookies), [headers['x-srv-id']])
  })

  for (const [name, trouble] of Object.entries({ breakOff, freeze }))
    test(`${mode}: the second try is the same request (${name})`, { timeout }, async () => {
      await using board = await startBoard(mode)
      const failing = firstOf(board)
      failing.answer = trouble
      const { status, headers, cookies } = await sendRequest(board.port, '/', {
        headers: asCookie(failing.srvId),
      })
      const tries = board.replicas.flatMap(replica => replica.requests)
      assert.equal(status, 200)
      assert.equal(tries.length, 2)
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/)
      for (const { headers: seen } of tries) assert.equal(seen['x-request-id'], headers['x-request-id'])
      assert.deepEqual(values(cookies), [headers['x-srv-id']])
    })

  for (const path of ['/api/snapshot', '/icon.svg', '/_next/static/a.js', '/api/live'])
    test(`${mode}: what is small waits seconds for a frozen replica, and another answers: ${path}`, {
      timeout,
    }, async () => {
      await using board = await startBoard(mode, { replicas: 2 })
      const frozen = firstOf(board)
      frozen.answer = freeze
      // Every second request goes to the frozen replica.
      const begun = performance.now()
      const answers = await Promise.all([sendRequest(board.port, path), sendRequest(board.port, `${path}?`)])
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      )
      assert.ok(frozen.requests.length > 0)
      // 2 s, and of the feed 5 s. It was 10 s and 30 s, so a busy machine has room here.
      assert.ok(performance.now() - begun < (path === '/api/live' ? 25_000 : 9000))
    })

  test(`${mode}: an asset that no living replica has is not found, also while one is gone`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    const json = { headers: { Accept: 'application/json' } }
    await firstOf(board).die()
    for (const replica of board.replicas)
      replica.answer = (_request, response) => void response.writeHead(404).end('none')
    for (let file = 0; file < 6; file++) {
      const { status, headers, body } = await sendRequest(board.port, `/_next/static/none-${file}.js`, json)
      // From the replica that was tried last, or from NGINX itself.
      assert.equal(status, 404)
      assert.equal(headers['retry-after'], undefined)
      if (body !== 'none') assert.equal(JSON.parse(body).error.code, 'not_found')
    }
    for (const replica of board.replicas) await replica.die()
    const { status, body } = await sendRequest(board.port, '/_next/static/none.js', json)
    assert.equal(status, 503)
    assert.equal(JSON.parse(body).error.code, 'no_replica')
  })

  test(`${mode}: a replica that waits for its database is not taken for frozen`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 2 })
    for (const replica of board.replicas)
      replica.answer = (request, response) =>
        void setTimeout(
          () => response.writeHead(503).end('no database'),
          request.url === '/api/log' ? 4000 : 0,
        )
    const log = sendRequest(board.port, '/api/log')
    const { status, body } = await log
    assert.deepEqual([status, body], [503, 'no database'])
    assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 1)
  })

  test(`${mode}: a command that a server took without an answer may still happen, and says so`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { replicas: 2 })
    for (const replica of board.replicas) replica.answer = freeze
    const sentAt = Date.now()
    const headers = { 'X-Arrived-At': '1' }
    const answer = await sendRequest(board.port, '/api/servers/web-1/kill', { method: 'POST', headers })
    assert.equal(answer.status, 503)
    assert.deepEqual(JSON.parse(answer.body).error, {
      code: 'no_answer',
      message: 'The server that took this command did not answer. It may still have been carried out.',
    })
    const requests = board.replicas.flatMap(replica => replica.requests)
    assert.equal(requests.length, 1)
    const arrivedAt = Number(requests[0]?.headers['x-arrived-at']) * 1000
    assert.ok(arrivedAt >= sentAt - 1000 && arrivedAt <= Date.now(), `${arrivedAt}`)
    for (const replica of board.replicas) await replica.die()
    const none = await sendRequest(board.port, '/api/servers/web-1/kill', { method: 'POST' })
    assert.deepEqual([none.status, JSON.parse(none.body).error.code], [503, 'no_replica'])
  })

  test(`${mode}: new visitors lose nothing when a replica dies`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (let visitor = 0; visitor < 9; visitor++) await sendRequest(board.port, '/')
    await firstOf(board).die()
    for (let visitor = 0; visitor < 30; visitor++)
      assert.equal((await sendRequest(board.port, '/')).status, 200)
  })

  test(`${mode}: a draining replica keeps its own and passes new visitors on`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const draining = firstOf(board)
    draining.answer = drain(draining)
    for (let visitor = 0; visitor < 12; visitor++) {
      const { status, headers, cookies } = await sendRequest(board.port, '/')
      assert.equal(status, 200)
      assert.notEqual(headers['x-srv-id'], draining.srvId)
      assert.deepEqual(values(cookies), [headers['x-srv-id']])
    }
    assert.ok(draining.requests.length > 1, 'a 403 is no failure: it is asked again')
    const own = await sendRequest(board.port, '/', { headers: asCookie(draining.srvId) })
    assert.deepEqual(values(own.cookies), [draining.srvId])
  })

  test(`${mode}: a replica's refusal is final: NGINX tries no other replica and keeps this one`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    const refusing = firstOf(board)
    refusing.answer = (_request, response) =>
      void response.writeHead(503, { 'Retry-After': '5' }).end('overloaded')
    for (let view = 1; view <= 20; view++) {
      const { status, headers, body } = await sendRequest(board.port, '/', {
        headers: asCookie(refusing.srvId),
      })
      assert.deepEqual([status, headers['retry-after'], body], [503, '5', 'overloaded'])
      assert.equal(refusing.requests.length, view)
    }
    assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 20)
  })

  test(`${mode}: when all drain, a new visitor is served at the last try`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const replica of board.replicas) replica.answer = drain(replica)
    const { status, headers, cookies } = await sendRequest(board.port, '/', {
      headers: { 'X-Last-Try': '1' },
    })
    const tries = board.replicas.flatMap(replica => replica.requests)
    assert.equal(status, 200)
    assert.equal(tries.length, 4)
    assert.equal(tries.filter(({ headers: seen }) => seen['x-last-try'] === '1').length, 1)
    assert.equal(new Set(tries.map(({ headers: seen }) => seen['x-request-id'])).size, 1)
    assert.deepEqual(values(cookies), [headers['x-srv-id']])
  })

  test(`${mode}: a page view that every replica failed is tried once more, and a POST never`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const replica = firstOf(board)
    const { answer } = replica
    replica.answer = (request, response) =>
      (request.headers['x-last-try'] === '1' ? answer : breakOff)(request, response)
    const { status, headers, cookies } = await sendRequest(board.port, '/?a=b')
    assert.equal(status, 200)
    assert.deepEqual(
      replica.requests.map(({ url }) => url),
      ['/?a=b', '/?a=b'],
    )
    assert.deepEqual(values(cookies), [headers['x-srv-id']])

    replica.requests.length = 0
    assert.equal((await sendRequest(board.port, '/', { method: 'POST', body: 'a' })).status, 405)
    assert.equal(replica.requests.length, 0)
  })

  test(`${mode}: a command of control that was sent to a replica is sent to no other one`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const replica of board.replicas) replica.answer = breakOff
    const command = { method: 'POST', headers: { 'Content-Length': '0' } }
    const { status, body } = await sendRequest(board.port, '/api/servers/web-1/kill', command)
    assert.deepEqual([status, JSON.parse(body).error.code], [503, 'no_answer'])
    assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 1)
  })

  test(`${mode}: while all replicas count as failed, NGINX still tries those that are slow to come back`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const replica of board.replicas) {
      const { answer } = replica
      replica.answer = (request, response) =>
        (request.headers['x-last-try'] === '1' ? answer : breakOff)(request, response)
    }
    const views = Array.from({ length: 20 }, (_, view) => {
      const bound = board.replicas[view % 4]
      return sendRequest(board.port, '/', bound ? { headers: asCookie(bound.srvId) } : {})
    })
    const statuses = (await Promise.all(views)).map(({ status }) => status)
    assert.deepEqual(new Set(statuses), new Set([200]))
  })

  test(`${mode}: a refusal says whether another replica had the page view before`, { timeout }, async () => {
    const earlierTry = async (first: (replica: StubReplica) => Promise<void> | void, answered = 503) => {
      await using board = await startBoard(mode, { replicas: 2 })
      const [own, other] = board.replicas
      assert.ok(own && other)
      for (const replica of board.replicas)
        replica.answer = (_request, response) => void response.writeHead(answered).end()
      await first(own)
      const { status, headers } = await sendRequest(board.port, '/', { headers: asCookie(own.srvId) })
      assert.equal(status, answered)
      const said = headers['x-earlier-try']
      assert.equal(headers['server-timing'], said && `earlier-try;desc=${said}`)
      return said
    }
    const answering = (answer: StubReplica['answer']) => (replica: StubReplica) => {
      replica.answer = answer
    }
    assert.equal(await earlierTry(answering(breakOff)), 'unanswered')
    assert.equal(await earlierTry(answering(freeze)), 'unanswered')
    assert.equal(await earlierTry(replica => replica.die()), undefined)
    assert.equal(
      await earlierTry(answering((_request, response) => void response.writeHead(403).end())),
      undefined,
    )
    assert.equal(await earlierTry(() => {}), undefined)
    assert.equal(await earlierTry(answering(breakOff), 200), undefined)
  })

  test(`${mode}: when no replica answers, a browser gets a page that says so`, { timeout }, async () => {
    await using board = await startBoard(mode)
    await Promise.all(board.replicas.map(replica => replica.die()))
    const { status, headers, body } = await sendRequest(board.port, '/', {
      headers: { Accept: 'text/html' },
    })
    assert.equal(status, 503)
    assert.equal(headers['retry-after'], '5')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['content-type'], 'text/html')
    assert.match(body, /No server can answer right now/)
  })

  test(`${mode}: an error of NGINX's own leaves a visitor with the cookie it had`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const [known] = board.replicas
    await Promise.all(board.replicas.map(replica => replica.die()))
    const newVisitor = await sendRequest(board.port, '/')
    const visitor = await sendRequest(board.port, '/', { headers: asCookie(known?.srvId ?? '') })
    assert.deepEqual([newVisitor.status, newVisitor.cookies], [503, []])
    assert.deepEqual([visitor.status, visitor.cookies], [503, []])
  })

  for (const [path, headers] of [
    ['/', { Accept: 'application/json' }],
    ['/api/snapshot', { Accept: 'text/html' }],
    ['/api/snapshot?a=b', {}],
  ] as const)
    test(`${mode}: when no replica answers, a program gets JSON: ${path}`, { timeout }, async () => {
      await using board = await startBoard(mode)
      await Promise.all(board.replicas.map(replica => replica.die()))
      const answer = await sendRequest(board.port, path, { headers })
      assert.equal(answer.status, 503)
      assert.equal(answer.headers['retry-after'], '5')
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(JSON.parse(answer.body).error.code, 'no_replica')
      assert.deepEqual(answer.cookies, [])
    })

  for (const [name, trouble] of Object.entries({ breakOff, freeze }))
    test(`${mode}: a page view that replicas took and did not answer may be counted, and the answer says so (${name})`, {
      timeout,
    }, async () => {
      await using board = await startBoard(mode)
      for (const replica of board.replicas) replica.answer = trouble
      const headers = { Accept: 'application/json' }
      const answer = await sendRequest(board.port, '/?a=b', { headers })
      assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [503, 'no_answer'])
    })

  test(`${mode}: only of a page view is it said that it may be counted`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const replica of board.replicas) replica.answer = breakOff
    const answer = await sendRequest(board.port, '/api/snapshot', { headers: { Accept: 'application/json' } })
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [503, 'no_replica'])
  })
}

function firstOf(board: Board): StubReplica {
  const [first] = board.replicas
  if (!first) throw new Error('no replica')
  return first
}

function values(cookies: { value: string }[]): string[] {
  return cookies.map(cookie => cookie.value)
}
