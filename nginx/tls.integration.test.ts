import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { testCertificate } from './testing/paths.ts'
import { ask, parseCookie } from './testing/request-fixture.ts'
import { startBoard, ways } from './testing/run-nginx.ts'
import { breakOff } from './testing/stub-replica.ts'

const timeout = 30_000
const tls = true

for (const way of ways) {
  test(`${way}: over HTTPS every cookie is Secure`, { timeout }, async () => {
    await using board = await startBoard(way, { tls })
    const view = await ask(board.tlsPort, '/', { tls })
    assert.equal(view.cookies.length, 1)
    assert.equal(view.cookies[0]?.value, view.headers['x-srv-id'])
    assert.deepEqual(view.cookies[0]?.attributes, {
      'max-age': '300',
      path: '/',
      httponly: '',
      samesite: 'lax',
      secure: '',
    })
    const headers = { Cookie: `srv_id=${view.cookies[0]?.value}` }
    const again = await ask(board.tlsPort, '/', { tls, headers })
    assert.equal(again.headers['x-srv-id'], view.headers['x-srv-id'])

    const forget = await ask(board.tlsPort, '/api/forget', { tls, method: 'POST' })
    assert.equal(forget.cookies.length, 1)
    for (const replica of board.replicas) replica.answer = breakOff
    const failed = await ask(board.tlsPort, '/', { tls, headers })
    assert.equal(failed.status, 503)
    assert.deepEqual(failed.cookies, [])
    for (const { attributes: given } of forget.cookies) assert.equal(given.secure, '')
  })

  test(`${way}: a replica knows that the visitor came over HTTPS, and by which port`, {
    timeout,
  }, async () => {
    await using board = await startBoard(way, { tls, replicas: 1 })
    await ask(board.tlsPort, '/', { tls })
    await ask(board.tlsPort, '/api/log', { tls, headers: { Host: 'localhost' } })
    const seen = board.replicas[0]?.requests.map(({ headers }) => [
      headers['x-forwarded-proto'],
      headers['x-forwarded-port'],
    ])
    assert.deepEqual(seen, [
      ['https', String(board.tlsPort)],
      ['https', '443'],
    ])
  })

  test(`${way}: HTTPS is promised for a year, on errors too, and never for localhost`, {
    timeout,
  }, async () => {
    await using board = await startBoard(way, { tls })
    for (const path of ['/', '/api/log', '/healthz', '/metrics', '//x']) {
      const { headers } = await ask(board.tlsPort, path, { tls })
      assert.equal(headers['strict-transport-security'], 'max-age=31536000', path)
    }
    const local = await ask(board.tlsPort, '/', { tls, headers: { Host: `localhost:${board.tlsPort}` } })
    assert.equal(local.headers['strict-transport-security'], undefined)
  })

  test(`${way}: plain HTTP leads to HTTPS, and does nothing else`, { timeout }, async () => {
    await using board = await startBoard(way, { tls })
    for (const [method, path] of [
      ['GET', '/'],
      ['HEAD', '/?a=b%20c'],
      ['POST', '/api/forget'],
      ['GET', '/api/live'],
      ['GET', '/healthz/'],
      ['GET', '//evil.example/x'],
    ] as const) {
      const { status, headers, cookies } = await ask(board.port, path, {
        method,
        headers: { Host: 'board.example:80' },
      })
      assert.deepEqual([status, cookies], [308, []])
      assert.equal(headers.location, `https://board.example:${board.tlsPort}${path}`)
      assert.equal(headers['strict-transport-security'], undefined)
    }
    for (const { requests } of board.replicas) assert.equal(requests.length, 0)
    const { status, body } = await ask(board.port, '/healthz')
    assert.deepEqual([status, body], [200, 'ok\n'])
  })

  test(`${way}: plain HTTP leads to the public host, whatever host a client writes`, {
    timeout,
  }, async () => {
    await using board = await startBoard(way, { tls, publicHost: 'board.example' })
    const location = `https://board.example:${board.tlsPort}/?a=b`
    for (const port of [board.port, board.tlsPort]) {
      const { status, headers } = await ask(port, '/?a=b', { headers: { Host: 'evil.example' } })
      assert.deepEqual([status, headers.location], [308, location])
    }
  })

  test(`${way}: an error over plain HTTP keeps its status`, { timeout }, async () => {
    await using board = await startBoard(way, { tls })
    const { status, body } = await ask(board.port, `/?${'x'.repeat(10_000)}`)
    assert.equal(status, 414)
    assert.match(body, /The address is too long/)
    assert.equal((await ask(board.port, '/_nginx/error.html')).status, 404)
  })

  test(`${way}: plain HTTP at the port of HTTPS leads to HTTPS too`, { timeout }, async () => {
    await using board = await startBoard(way, { tls })
    const { status, headers } = await ask(board.tlsPort, '/?a=b')
    assert.deepEqual([status, headers.location], [308, `https://127.0.0.1:${board.tlsPort}/?a=b`])
  })

  test(`${way}: HTTP/2 is spoken, with the same cookie, headers and checks`, { timeout }, async () => {
    await using board = await startBoard(way, { tls, replicas: 1 })
    const session = connect(`https://127.0.0.1:${board.tlsPort}`, { ca: readFileSync(testCertificate) })
    const get = async (path: string) => {
      const stream = session.request({ ':path': path })
      const [headers] = await once(stream, 'response')
      return { status: headers[':status'], cookies: headers['set-cookie'] ?? [], body: await text(stream) }
    }
    try {
      const { status, cookies, body } = await get('/?a=b')
      assert.equal(session.alpnProtocol, 'h2')
      assert.deepEqual([status, body], [200, 'well'])
      const [cookie] = cookies.map(parseCookie)
      assert.deepEqual([cookie?.value, cookie?.attributes.secure], [board.replicas[0]?.srvId, ''])
      const seen = board.replicas[0]?.requests[0]
      assert.equal(seen?.url, '/?a=b')
      assert.equal(seen?.headers.host, `127.0.0.1:${board.tlsPort}`)
      assert.equal(seen?.headers['x-forwarded-proto'], 'https')
      assert.equal(seen?.headers['x-forwarded-port'], String(board.tlsPort))
      assert.equal((await get('/metrics')).status, 404)
      assert.equal((await get('//x/metrics')).status, 400)
      assert.equal(board.replicas[0]?.requests.length, 1)
    } finally {
      session.destroy()
    }
  })

  test(`${way}: an event arrives over HTTP/2 while the stream is open`, { timeout }, async () => {
    await using board = await startBoard(way, { tls, replicas: 1 })
    for (const replica of board.replicas)
      replica.answer = (_request, response) =>
        void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
    const session = connect(`https://127.0.0.1:${board.tlsPort}`, { ca: readFileSync(testCertificate) })
    try {
      const stream = session.request({ ':path': '/api/live' })
      assert.equal(String((await once(stream, 'data'))[0]), 'data: 1\n\n')
    } finally {
      session.destroy()
    }
  })

  test(`${way}: without a certificate nothing says HTTPS`, { timeout }, async () => {
    await using board = await startBoard(way, { replicas: 1 })
    const { headers, cookies } = await ask(board.port, '/', { headers: { Host: 'board.example' } })
    const forget = await ask(board.port, '/api/forget', { method: 'POST' })
    for (const { attributes } of [...cookies, ...forget.cookies]) assert.equal(attributes.secure, undefined)
    assert.equal(headers['strict-transport-security'], undefined)
    const seen = board.replicas[0]?.requests[0]?.headers ?? {}
    assert.deepEqual([seen['x-forwarded-proto'], seen['x-forwarded-port']], ['http', '80'])
  })
}
