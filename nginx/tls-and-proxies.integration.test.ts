import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, constants } from 'node:http2'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { breakOff, parseCookie, sendRequest, testCertificate } from './testing/client-and-replica.ts'
import { type Board, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 60_000

// The tests connect from 127.0.0.1: it is a trusted proxy where it is named, and a stranger where another is.
const strangerToAll = { trustedProxies: ['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'], replicas: 1 }
const trusted = { trustedProxies: ['127.0.0.1', '192.0.2.0/24'], replicas: 1 }

for (const mode of stickyModes) {
  test(`${mode}: what a stranger says of itself is not believed`, { timeout }, async () => {
    await using board = await startBoard(mode, strangerToAll)
    const headers = {
      'X-Forwarded-For': '203.0.113.7',
      'X-Forwarded-Proto': 'https',
      'X-Real-IP': '203.0.113.7',
      Forwarded: 'for=203.0.113.7;proto=https',
    }
    const { cookies } = await sendRequest(board.port, '/', { headers })
    assert.deepEqual(seenBy(board), ['127.0.0.1', '127.0.0.1', 'http'])
    assert.equal(cookies[0]?.attributes.secure, undefined)
  })

  const chains: [string, string | string[], string][] = [
    ['its visitor', '203.0.113.7', '203.0.113.7'],
    ['a visitor with IPv6', '2001:db8::7', '2001:db8::7'],
    ['a visitor with a port', '203.0.113.7:4711', '203.0.113.7'],
    ['what the visitor wrote before it', '6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['another trusted proxy between', '6.6.6.6, 203.0.113.7, 192.0.2.10', '203.0.113.7'],
    ['a header a proxy', ['6.6.6.6', '203.0.113.7', '192.0.2.10'], '203.0.113.7'],
    ['what is no address', 'unknown', '127.0.0.1'],
    ['what is no address, behind another trusted proxy', '203.0.113.7, x, 192.0.2.10', '192.0.2.10'],
    ['nothing', '', '127.0.0.1'],
  ]
  for (const [name, forwarded, address] of chains)
    test(`${mode}: a trusted proxy says ${name}`, { timeout }, async () => {
      await using board = await startBoard(mode, trusted)
      await sendRequest(board.port, '/', { headers: { 'X-Forwarded-For': forwarded } })
      assert.deepEqual(seenBy(board), [address, address, 'http'])
      const [line = ''] = await board.logged(1)
      assert.equal(JSON.parse(line).client, address)
    })

  test(`${mode}: where a trusted proxy says HTTPS, it is`, { timeout }, async () => {
    await using board = await startBoard(mode, trusted)
    const visitor = '203.0.113.7'
    const headers = { 'X-Forwarded-For': visitor, 'X-Forwarded-Proto': 'https', Host: 'board.example' }
    const view = await sendRequest(board.port, '/', { headers })
    const forget = await sendRequest(board.port, '/api/forget', { method: 'POST', headers })
    assert.deepEqual(seenBy(board), [visitor, visitor, 'https'])
    assert.equal(board.replicas[0]?.requests[0]?.headers['x-forwarded-port'], '443')
    assert.equal(view.headers['strict-transport-security'], undefined)
    for (const replica of board.replicas) replica.answer = breakOff
    const failed = await sendRequest(board.port, '/', { headers })
    assert.equal(view.cookies.length, 1)
    assert.equal(forget.cookies.length, 1)
    for (const { attributes } of [...view.cookies, ...forget.cookies, ...failed.cookies])
      assert.equal(attributes.secure, '')
  })

  for (const scheme of ['http', 'https, http', 'http, https', 'ftp', ''])
    test(`${mode}: a trusted proxy that says "${scheme}" does not say HTTPS`, { timeout }, async () => {
      await using board = await startBoard(mode, trusted)
      const { cookies } = await sendRequest(board.port, '/', { headers: { 'X-Forwarded-Proto': scheme } })
      assert.deepEqual(seenBy(board), ['127.0.0.1', '127.0.0.1', 'http'])
      assert.equal(cookies[0]?.attributes.secure, undefined)
    })

  test(`${mode}: a visitor who used HTTPS to a trusted proxy is not redirected to HTTPS again`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { ...trusted, tls: true })
    const secure = await sendRequest(board.port, '/', { headers: { 'X-Forwarded-Proto': 'https' } })
    const plain = await sendRequest(board.port, '/', { headers: { 'X-Forwarded-Proto': 'http' } })
    assert.deepEqual([secure.status, plain.status], [200, 308])
  })

  test(`${mode}: limits apply to each visitor of a trusted proxy separately`, { timeout }, async () => {
    await using board = await startBoard(mode, trusted)
    const from = (visitor: string) =>
      sendRequest(board.port, '/', { headers: { 'X-Forwarded-For': visitor } })
    await untilLimited(() => from('203.0.113.7'))
    // As many as the limited one could not have by what its rate gives back meanwhile.
    const others = ['203.0.113.8', '203.0.113.7, 203.0.113.9', ''].flatMap(other =>
      Array<string>(50).fill(other),
    )
    for (const { status } of await Promise.all(others.map(from))) assert.equal(status, 200)
  })

  test(`${mode}: a stranger cannot leave its limits by another name`, { timeout }, async () => {
    await using board = await startBoard(mode, { ...strangerToAll, limitPrivate: true })
    let visitor = 0
    await untilLimited(() =>
      sendRequest(board.port, '/', { headers: { 'X-Forwarded-For': `203.0.113.${visitor++ % 256}` } }),
    )
  })
}

/** X-Real-IP, X-Forwarded-For and X-Forwarded-Proto of the first request that reached the replica. */
function seenBy(board: Board): unknown[] {
  const seen = board.replicas[0]?.requests[0]?.headers ?? {}
  return [seen['x-real-ip'], seen['x-forwarded-for'], seen['x-forwarded-proto']]
}

/** More than burst and rate let through, however slowly they are sent. */
async function untilLimited(askOnce: () => Promise<{ status: number }>): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, askOnce))
    if (answers.some(({ status }) => status === 429)) return
  }
  throw new Error('never limited')
}

const tls = true

for (const mode of stickyModes) {
  test(`${mode}: over HTTPS every cookie is Secure`, { timeout }, async () => {
    await using board = await startBoard(mode, { tls })
    const view = await sendRequest(board.tlsPort, '/', { tls })
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
    const again = await sendRequest(board.tlsPort, '/', { tls, headers })
    assert.equal(again.headers['x-srv-id'], view.headers['x-srv-id'])

    const forget = await sendRequest(board.tlsPort, '/api/forget', { tls, method: 'POST' })
    assert.equal(forget.cookies.length, 1)
    for (const replica of board.replicas) replica.answer = breakOff
    const failed = await sendRequest(board.tlsPort, '/', { tls, headers })
    assert.equal(failed.status, 503)
    assert.deepEqual(failed.cookies, [])
    for (const { attributes: given } of forget.cookies) assert.equal(given.secure, '')
  })

  test(`${mode}: a replica knows that the visitor came over HTTPS, and by which port`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { tls, replicas: 1 })
    await sendRequest(board.tlsPort, '/', { tls })
    await sendRequest(board.tlsPort, '/api/log', { tls, headers: { Host: 'localhost' } })
    const seen = board.replicas[0]?.requests.map(({ headers }) => [
      headers['x-forwarded-proto'],
      headers['x-forwarded-port'],
    ])
    assert.deepEqual(seen, [
      ['https', String(board.tlsPort)],
      ['https', '443'],
    ])
  })

  test(`${mode}: HTTPS is promised for a year, on errors too, and never for localhost`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { tls })
    for (const path of ['/', '/api/log', '/healthz', '/metrics', '//x']) {
      const { headers } = await sendRequest(board.tlsPort, path, { tls })
      assert.equal(headers['strict-transport-security'], 'max-age=31536000', path)
    }
    const local = await sendRequest(board.tlsPort, '/', {
      tls,
      headers: { Host: `localhost:${board.tlsPort}` },
    })
    assert.equal(local.headers['strict-transport-security'], undefined)
  })

  test(`${mode}: plain HTTP leads to HTTPS, and does nothing else`, { timeout }, async () => {
    await using board = await startBoard(mode, { tls })
    for (const [method, path] of [
      ['GET', '/'],
      ['HEAD', '/?a=b%20c'],
      ['POST', '/api/forget'],
      ['GET', '/api/live'],
      ['GET', '/healthz/'],
      ['GET', '//evil.example/x'],
    ] as const) {
      const { status, headers, cookies } = await sendRequest(board.port, path, {
        method,
        headers: { Host: 'board.example:80' },
      })
      assert.deepEqual([status, cookies], [308, []])
      assert.equal(headers.location, `https://board.example:${board.tlsPort}${path}`)
      assert.equal(headers['strict-transport-security'], undefined)
    }
    for (const { requests } of board.replicas) assert.equal(requests.length, 0)
    const { status, body } = await sendRequest(board.port, '/healthz')
    assert.deepEqual([status, body], [200, 'ok\n'])
  })

  test(`${mode}: plain HTTP leads to the public host, whatever host a client writes`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { tls, publicHost: 'board.example' })
    const location = `https://board.example:${board.tlsPort}/?a=b`
    for (const port of [board.port, board.tlsPort]) {
      const { status, headers } = await sendRequest(port, '/?a=b', { headers: { Host: 'evil.example' } })
      assert.deepEqual([status, headers.location], [308, location])
    }
  })

  test(`${mode}: an error over plain HTTP keeps its status`, { timeout }, async () => {
    await using board = await startBoard(mode, { tls })
    const { status, body } = await sendRequest(board.port, `/?${'x'.repeat(10_000)}`)
    assert.equal(status, 414)
    assert.match(body, /The address is too long/)
    assert.equal((await sendRequest(board.port, '/_nginx/error.html')).status, 404)
  })

  test(`${mode}: plain HTTP at the port of HTTPS leads to HTTPS too`, { timeout }, async () => {
    await using board = await startBoard(mode, { tls })
    const { status, headers } = await sendRequest(board.tlsPort, '/?a=b')
    assert.deepEqual([status, headers.location], [308, `https://127.0.0.1:${board.tlsPort}/?a=b`])
  })

  test(`${mode}: HTTP/2 is spoken, with the same cookie, headers and checks`, { timeout }, async () => {
    await using board = await startBoard(mode, { tls, replicas: 1 })
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

  test(`${mode}: over HTTP/2 many cookies are read, and too many end the connection without words`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { tls, replicas: 1 })
    // Browsers send each cookie in a field apart.
    const cookies = (kilobytes: number) =>
      Array.from({ length: kilobytes / 4 }, (_, index) => `other${index}=${'x'.repeat(3980)}`)
    const get = async (cookie: string | string[]) => {
      const session = connect(`https://127.0.0.1:${board.tlsPort}`, { ca: readFileSync(testCertificate) })
      const codes: number[] = []
      session.on('goaway', code => codes.push(code)).on('error', () => {})
      try {
        const [headers] = await once(session.request({ ':path': '/', cookie }), 'response')
        return headers[':status']
      } catch {
        return codes
      } finally {
        session.destroy()
      }
    }
    assert.equal(await get(cookies(28)), 200)
    assert.deepEqual(await get(cookies(40)), [constants.NGHTTP2_ENHANCE_YOUR_CALM])
    assert.deepEqual(await get('x'.repeat(12_000)), [constants.NGHTTP2_ENHANCE_YOUR_CALM])
    assert.equal(await get([]), 200)
    assert.equal(board.replicas[0]?.requests.length, 2)
  })

  test(`${mode}: an event arrives over HTTP/2 while the stream is open`, { timeout }, async () => {
    await using board = await startBoard(mode, { tls, replicas: 1 })
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

  test(`${mode}: without a certificate nothing says HTTPS`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const { headers, cookies } = await sendRequest(board.port, '/', { headers: { Host: 'board.example' } })
    const forget = await sendRequest(board.port, '/api/forget', { method: 'POST' })
    for (const { attributes } of [...cookies, ...forget.cookies]) assert.equal(attributes.secure, undefined)
    assert.equal(headers['strict-transport-security'], undefined)
    const seen = board.replicas[0]?.requests[0]?.headers ?? {}
    assert.deepEqual([seen['x-forwarded-proto'], seen['x-forwarded-port']], ['http', '80'])
  })
}
