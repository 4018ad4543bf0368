import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../tools/lib/testing.ts'
import { readSrvIdCookie } from '../web/server/http/request.ts'
import {
  asCookie,
  breakOff,
  drain,
  freeze,
  type StubReplica,
  sendRequest,
} from './testing/client-and-replica.ts'
import { type Board, type StickyMode, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 30_000

/** A page view with these lines of `Cookie`, as they stand: Node would make one of them. */
async function askRaw(port: number, cookies: string[]): Promise<void> {
  const lines = [
    'GET / HTTP/1.1',
    'Host: x',
    'Connection: close',
    ...cookies.map(cookie => `Cookie: ${cookie}`),
  ]
  const socket = connect(port, '127.0.0.1')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await once(socket.resume(), 'close')
}

for (const mode of stickyModes) {
  test(`${mode}: a new visitor gets a cookie that names the replica that answered`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const { headers, cookies } = await sendRequest(board.port, '/')
    const [cookie] = cookies
    assert.equal(cookies.length, 1)
    assert.equal(cookie?.name, 'srv_id')
    assert.equal(cookie?.value, headers['x-srv-id'])
    assert.deepEqual(cookie?.attributes, { 'max-age': '300', path: '/', httponly: '', samesite: 'lax' })
  })

  test(`${mode}: STICKY_SECONDS is the cookie's lifetime`, { timeout }, async () => {
    await using board = await startBoard(mode, { stickySeconds: 7 })
    const { cookies } = await sendRequest(board.port, '/')
    assert.equal(cookies[0]?.attributes['max-age'], '7')
  })

  test(`${mode}: a visitor stays on the replica the cookie names, and each view renews it`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const { srvId } of board.replicas) {
      for (let view = 0; view < 10; view++) {
        const { headers, cookies } = await sendRequest(board.port, '/', { headers: asCookie(srvId) })
        assert.equal(headers['x-srv-id'], srvId)
        assert.deepEqual(
          cookies.map(cookie => cookie.value),
          [srvId],
        )
      }
    }
  })

  // The configuration puts things before the cookie's value that a value could begin with.
  for (const firstBegins of ['0', '1'])
    test(`${mode}: a visitor stays where its cookie begins with ${firstBegins}`, { timeout }, async () => {
      await using board = await startBoard(mode, { firstBegins })
      const [own] = board.replicas
      assert.ok(own)
      for (let view = 0; view < 12; view++) {
        const { headers } = await sendRequest(board.port, '/', { headers: asCookie(own.srvId) })
        assert.equal(headers['x-srv-id'], own.srvId)
      }
    })

  test(`${mode}: new visitors are spread evenly`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (let visitor = 0; visitor < 90; visitor++) await sendRequest(board.port, '/')
    for (const { requests } of board.replicas) assert.ok(requests.length >= 20 && requests.length <= 40)
  })

  test(`${mode}: a cookie that names no replica is replaced`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const own = board.replicas[0]?.srvId ?? ''
    const forged = ['0'.repeat(32), own.toUpperCase().replace(/^\d+$/, 'A'), `${own}0`, 'x', '"; path=/x']
    for (const value of forged) {
      const { status, headers, cookies } = await sendRequest(board.port, '/', { headers: asCookie(value) })
      assert.equal(status, 200)
      assert.equal(cookies[0]?.value, headers['x-srv-id'])
    }
  })

  test(`${mode}: the replica hears of the cookie that NGINX went by, and of no other`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    const [a = '', b = ''] = board.replicas.map(replica => replica.srvId)
    const sent = [
      [`srv_id=${a}`],
      [`theme=dark; srv_id=${a}`],
      [`srv_id=${a}; SRV_ID=${b}`],
      [`SRV_ID=${b}; srv_id=${a}`],
      [`Srv_Id=${a}`],
      [`srv_id=${a}; srv_id=${b}`],
      [`srv_id=${b}`, `srv_id=${a}`],
      [`theme=dark`, `SRV_ID=${b}`, `srv_id=${a}`],
      [`srv_id=; srv_id=${a}`],
      ['srv_id=x', `srv_id=${a}`],
      [`srv_id; srv_id=${a}`],
      [`srv_id="${a}"`],
      [`srv_id = ${a}`],
      [`srv_id=${a} ; theme=dark`],
      [`srv_id=${a} x`],
      [`srv_id=${a},srv_id=${b}`],
      [`theme=dark,srv_id=${a}`],
      [`xsrv_id=${a}`],
      [`srv_id=${a.toUpperCase()}`],
      [`srv_id=${a}0`],
      [`$Version=1; srv_id=${a}; $Path=/`],
      [`srv_id=%${a}`],
    ]
    for (const cookies of sent) {
      const answeredBy = new Set<string>()
      const heard = new Set<string | null>()
      for (let view = 0; view < 6; view++) {
        const before = board.replicas.map(replica => replica.requests.length)
        await askRaw(board.port, cookies)
        const replica = board.replicas.find((one, index) => one.requests.length > (before[index] ?? 0))
        answeredBy.add(replica?.srvId ?? '')
        heard.add(readSrvIdCookie(replica?.requests.at(-1)?.headers.cookie ?? ''))
      }
      // Strangers are spread over all.
      const expected = answeredBy.size === 1 ? [...answeredBy] : [null]
      assert.deepEqual([...heard], expected, cookies.join(' | '))
    }
    const heard = board.replicas.flatMap(replica => replica.requests.map(request => request.headers.cookie))
    assert.ok(heard.every(cookie => cookie === undefined || /^srv_id=[0-9a-f]{32}$/.test(cookie)))
  })

  test(`${mode}: only the page sets the cookie`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const headers = asCookie(board.replicas[0]?.srvId ?? '')
    for (const path of ['/api/snapshot', '/_next/static/a.js', '/icon.svg', '/healthz', '/metrics'])
      assert.deepEqual((await sendRequest(board.port, path, { headers })).cookies, [], path)
  })

  test(`${mode}: an answer of a replica that is no success leaves the visitor with the cookie it had`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const srvId = board.replicas[0]?.srvId ?? ''
    for (const refusal of [204, 301, 304, 400, 404, 429, 500, 503]) {
      for (const replica of board.replicas)
        replica.answer = (_request, response) => void response.writeHead(refusal, { 'X-Srv-Id': srvId }).end()
      for (const headers of [{}, asCookie(srvId)]) {
        const { status, cookies } = await sendRequest(board.port, '/', { headers })
        assert.deepEqual([status, cookies], [refusal, []])
      }
    }
  })

  test(`${mode}: a failed page view sets no cookie, also after other replicas failed`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { replicas: 2 })
    const [own, other] = board.replicas
    assert.ok(own && other)
    other.answer = (_request, response) =>
      void response.writeHead(503, { 'X-Srv-Id': other.srvId }).end('counter_unavailable')
    own.answer = breakOff
    const { status, cookies } = await sendRequest(board.port, '/', { headers: asCookie(own.srvId) })
    assert.deepEqual([status, cookies], [503, []])
  })

  test(`${mode}: a srv_id that is none makes no cookie`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const forged of ['', 'x', '0'.repeat(31), `${'0'.repeat(32)}; domain=example.com`]) {
      for (const replica of board.replicas)
        replica.answer = (_request, response) => void response.writeHead(200, { 'X-Srv-Id': forged }).end()
      assert.deepEqual((await sendRequest(board.port, '/')).cookies, [])
    }
  })

  test(`${mode}: one replica is enough`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const srvId = board.replicas[0]?.srvId ?? ''
    for (const headers of [{}, asCookie(srvId)])
      assert.equal((await sendRequest(board.port, '/', { headers })).cookies[0]?.value, srvId)
  })

  test(`${mode}: HEAD has the page's headers`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const { status, headers, cookies, body } = await sendRequest(board.port, '/', { method: 'HEAD' })
    assert.deepEqual([status, body, cookies[0]?.value], [200, '', headers['x-srv-id']])
  })

  test(`${mode}: POST /api/forget expires the cookie`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const { status, cookies } = await sendRequest(board.port, '/api/forget', { method: 'POST' })
    assert.equal(status, 204)
    const attributes = { 'max-age': '0', path: '/', httponly: '', samesite: 'lax' }
    assert.deepEqual(cookies, [{ name: 'srv_id', value: '', attributes }])
  })

  test(`${mode}: nothing but POST forgets`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const { status, headers, cookies } = await sendRequest(board.port, '/api/forget', { method })
      assert.deepEqual([status, headers.allow, cookies], [405, 'POST', []])
    }
  })
}

// Several NGINXes in front of the same replicas share nothing: the cookie alone says where a visitor belongs.

const timeoutOfTwo = 60_000

type Two = AsyncDisposable & {
  boards: [Board, Board]
  first: StubReplica
  second: StubReplica
  third: StubReplica
}

/** Two NGINXes in front of the same three replicas. */
async function startTwo([one, other]: [StickyMode, StickyMode]): Promise<Two> {
  await using resources = new AsyncDisposableStack()
  const board = resources.use(await startBoard(one))
  const beside = resources.use(await startBoard(other, { inFrontOf: board.replicas }))
  const [first, second, third] = board.replicas
  assert.ok(first && second && third)
  const kept = resources.move()
  return {
    ...{ boards: [board, beside], first, second, third },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** A page view of a visitor with the cookie `srvId`, or of a new one: who answered, and the cookie that the answer leaves. */
async function visit({ port }: Board, srvId?: string) {
  const { status, headers, cookies } = await sendRequest(port, '/', { headers: srvId ? asCookie(srvId) : {} })
  assert.equal(status, 200)
  // Browsers keep the last one.
  return { server: String(headers['x-srv-id']), cookie: cookies.at(-1)?.value ?? '' }
}

const pairs = stickyModes.flatMap(one => stickyModes.map((other): [StickyMode, StickyMode] => [one, other]))

for (const modes of pairs) {
  const name = modes.join(' and ')

  test(`${name}: a visitor stays on its server whichever NGINX it meets`, {
    timeout: timeoutOfTwo,
  }, async () => {
    await using two = await startTwo(modes)
    const servers = new Set<string>()
    for (const home of two.boards) {
      for (let visitor = 0; visitor < 6; visitor++) {
        const { server, cookie } = await visit(home)
        assert.equal(cookie, server)
        servers.add(server)
        for (let view = 0; view < 3; view++)
          for (const board of two.boards) assert.deepEqual(await visit(board, cookie), { server, cookie })
      }
    }
    assert.equal(servers.size, 3)
  })

  test(`${name}: both keep the visitors of a draining server there, and send it no new ones`, {
    timeout: timeoutOfTwo,
  }, async () => {
    await using two = await startTwo(modes)
    const { first, second, third } = two
    first.answer = drain(first)
    for (const board of two.boards) {
      for (let view = 0; view < 3; view++)
        assert.deepEqual(await visit(board, first.srvId), { server: first.srvId, cookie: first.srvId })
      for (let visitor = 0; visitor < 6; visitor++) {
        const { server } = await visit(board)
        assert.ok([second.srvId, third.srvId].includes(server))
      }
    }
  })

  test(`${name}: the visitor of a dead server is moved once; the other NGINX keeps it where it went`, {
    timeout: timeoutOfTwo,
  }, async () => {
    await using two = await startTwo(modes)
    const [one, other] = two.boards
    await two.first.die()
    for (const [meets, thenMeets] of [
      [one, other],
      [other, one],
    ] as const) {
      const moved = await visit(meets, two.first.srvId)
      assert.notEqual(moved.server, two.first.srvId)
      assert.equal(moved.cookie, moved.server)
      for (let view = 0; view < 3; view++) assert.deepEqual(await visit(thenMeets, moved.cookie), moved)
    }
  })

  test(`${name}: the visitor of a dead server passes by one that drains, at both`, {
    timeout: timeoutOfTwo,
  }, async () => {
    await using two = await startTwo(modes)
    const { first, second, third } = two
    await first.die()
    second.answer = drain(second)
    for (const board of two.boards)
      for (let view = 0; view < 4; view++)
        assert.deepEqual(await visit(board, first.srvId), { server: third.srvId, cookie: third.srvId })
  })

  test(`${name}: a server that froze and answers again keeps its visitors at both`, {
    timeout: timeoutOfTwo,
  }, async () => {
    await using two = await startTwo(modes)
    const { first, boards } = two
    const { answer } = first
    first.answer = freeze
    // Each finds out by itself: what one knows of a server's failure the other does not.
    for (const board of boards) assert.notEqual((await visit(board, first.srvId)).server, first.srvId)
    first.answer = answer
    for (const board of boards) {
      // NGINX tries a failed server again after a second.
      await eventually(async () => (await visit(board, first.srvId)).server === first.srvId)
      for (let view = 0; view < 3; view++) assert.equal((await visit(board, first.srvId)).server, first.srvId)
    }
  })

  test(`${name}: when one NGINX is killed, its visitors keep their servers at the other`, {
    timeout: timeoutOfTwo,
  }, async () => {
    await using two = await startTwo(modes)
    const [one, other] = two.boards
    const visitors = []
    for (let visitor = 0; visitor < 6; visitor++) visitors.push(await visit(one))
    process.kill(-one.nginx.pid, 'SIGKILL')
    await one.nginx.ended
    await assert.rejects(sendRequest(one.port, '/'))
    // Each several times, so that no other order of servers gives the same.
    for (const visitor of visitors)
      for (let view = 0; view < 3; view++) assert.deepEqual(await visit(other, visitor.cookie), visitor)
  })
}
