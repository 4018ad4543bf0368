import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { eventually } from '../tools/lib/testing.ts'
import { asCookie, breakOff, freeze, sendRequest, startRequest } from './testing/client-and-replica.ts'
import { startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 30_000

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

for (const mode of stickyModes) {
  test(`${mode}: every answer has the security headers once, and no version`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const replica of board.replicas)
      replica.answer = (_request, response) => {
        for (const name of Object.keys(securityHeaders)) response.setHeader(name, 'of the replica')
        response.setHeader('X-Powered-By', 'Next.js')
        response.setHeader('Content-Security-Policy', 'of the replica')
        response.end()
      }
    const paths = [
      '/',
      '/api/snapshot',
      '/api/live',
      '/_next/static/a.js',
      '/icon.svg',
      '/healthz',
      '/api/forget',
    ]
    for (const path of [...paths, '/metrics', '//x']) {
      const { headers } = await sendRequest(board.port, path)
      for (const [name, value] of Object.entries(securityHeaders))
        assert.equal(headers[name], value, path + name)
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/)
      assert.equal(headers.server, 'nginx')
      assert.equal(headers['x-powered-by'], undefined)
    }
    assert.equal((await sendRequest(board.port, '/')).headers['content-security-policy'], 'of the replica')
  })

  test(`${mode}: whether a replica can be reached is answered whole`, { timeout }, async () => {
    await using board = await startBoard(mode)
    // As a replica answers a HEAD: with the length of what it would send.
    for (const replica of board.replicas)
      replica.answer = ({ method }, response) => {
        response.setHeader('Content-Length', 4)
        response.end(method === 'HEAD' ? '' : 'well')
      }
    assert.equal((await sendRequest(board.port, '/_nginx/ready')).status, 200)
    for (const replica of board.replicas) await replica.die()
    assert.equal((await sendRequest(board.port, '/_nginx/ready')).status, 503)
  })

  test(`${mode}: the error page allows its own style and nothing else`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const { status, headers, body } = await sendRequest(board.port, '/metrics')
    assert.equal(status, 404)
    const policy = String(headers['content-security-policy'])
    const style = /<style>(.*)<\/style>/s.exec(body)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    assert.match(policy, /^default-src 'none'/)
    assert.ok(policy.includes(`style-src 'sha256-${hash}'`), `the style's hash is ${hash}`)
    for (const header of Object.keys(securityHeaders)) assert.ok(headers[header])
  })

  test(`${mode}: an error of a replica is passed on as it is`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const status of [400, 404, 405, 429, 500, 503]) {
      for (const replica of board.replicas)
        replica.answer = (_request, response) => void response.writeHead(status).end('of the replica')
      const answer = await sendRequest(board.port, '/api/log')
      assert.deepEqual([answer.status, answer.body], [status, 'of the replica'])
      if (status === 429) continue
      const page = await sendRequest(board.port, '/')
      assert.deepEqual([page.status, page.body], [status, 'of the replica'])
    }
  })

  test(`${mode}: too much of anything is an error with a name`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const json = { Accept: 'application/json' }
    const body = 'x'.repeat(20_000)
    const tooLarge = await sendRequest(board.port, '/api/forget', { method: 'POST', body, headers: json })
    assert.deepEqual([tooLarge.status, JSON.parse(tooLarge.body).error.code], [413, 'body_too_large'])
    const pageTooLarge = await sendRequest(board.port, '/', { method: 'POST', body, headers: json })
    assert.deepEqual([pageTooLarge.status, JSON.parse(pageTooLarge.body).error.code], [413, 'body_too_large'])
    const tooLong = await sendRequest(board.port, `/?${'x'.repeat(10_000)}`)
    assert.equal(tooLong.status, 414)
    const headers = await sendRequest(board.port, '/', {
      headers: { ...json, 'X-Large': 'x'.repeat(10_000) },
    })
    assert.equal(headers.status, 431)
  })

  test(`${mode}: a page view as large as NGINX takes reaches a replica`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const headers = Object.fromEntries(['X-A', 'X-B', 'X-C'].map(name => [name, 'x'.repeat(8100)]))
    const query = 'x'.repeat(8100)
    const answer = await sendRequest(board.port, `/?${query}`, { headers })
    assert.deepEqual([answer.status, answer.body], [200, 'well'])
    const [request] = board.replicas.flatMap(({ requests }) => requests)
    assert.equal(request?.url, `/?${query}`)
    assert.equal(request?.headers['x-c'], headers['X-C'])
  })

  test(`${mode}: below /api an error is JSON, also of a path that cannot be decoded`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    for (const path of [
      '/api/servers/%00/drain',
      '/api/servers/%zz/drain',
      '/api/%',
      '/api?%zz/%00/../%2f//',
      'http://x.example/api/%zz',
      '/lab/%zz',
    ])
      for (const method of ['POST', 'GET']) {
        const answer = await sendRequest(board.port, path, { method })
        if (answer.body === 'well') continue
        assert.equal(JSON.parse(answer.body).error.code, 'bad_request', `${method} ${path}`)
      }
    for (const path of ['/%zz', '/apix/%zz', '/x/api/%zz', '/?/api/%00', '/%zz?x=http://x/api/'])
      assert.doesNotMatch((await sendRequest(board.port, path)).body, /^\{/, path)
  })

  test(`${mode}: robots.txt keeps crawlers away, and no replica hears of it`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const { status, headers, body } = await sendRequest(board.port, '/robots.txt')
    assert.deepEqual(
      [status, headers['content-type'], body],
      [200, 'text/plain', 'User-agent: *\nDisallow: /\n'],
    )
    assert.deepEqual(
      board.replicas.flatMap(({ requests }) => requests),
      [],
    )
  })

  test(`${mode}: NGINX's own errors have one format, and are kept by no cache`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const errors: [path: string, status: number, code: string, headers?: Record<string, string>][] = [
      ['//x', 400, 'bad_request'],
      ['/x/../', 400, 'bad_request'],
      ['/_nginx/error.json//x', 400, 'bad_request'],
      ['/_nginx/error.html', 404, 'not_found'],
      ['/metrics', 404, 'not_found'],
      ['/robots.txt', 412, 'precondition_failed', { 'If-Match': '"x"' }],
      ['/healthz', 412, 'precondition_failed', { 'If-Unmodified-Since': 'Mon, 01 Jan 1990 00:00:00 GMT' }],
      [`/?${'x'.repeat(9000)}`, 414, 'uri_too_long'],
      ['/', 431, 'headers_too_large', { 'X-Much': 'x'.repeat(9000) }],
    ]
    for (const [path, status, code, headers = {}] of errors) {
      const name = `${path.slice(0, 30)} ${status}`
      const json = await sendRequest(board.port, path, {
        headers: { ...headers, Accept: 'application/json' },
      })
      const html = await sendRequest(board.port, path, { headers: { ...headers, Accept: 'text/html' } })
      for (const answer of [json, html]) {
        assert.equal(answer.status, status, name)
        assert.equal(answer.headers['cache-control'], 'no-store', name)
        assert.equal(answer.headers['x-frame-options'], 'DENY', name)
      }
      // What cannot be read as a request has no Accept either.
      if (status < 414) assert.equal(JSON.parse(json.body).error.code, code, name)
      assert.equal(html.headers['content-type'], 'text/html', name)
      assert.match(html.body, /<title>.+ · Balance Board<\/title>/, name)
    }
  })

  test(`${mode}: a range and a condition of a cached asset that do not hold are errors like others`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const replica of board.replicas)
      replica.answer = (_request, response) => {
        response.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
        response.setHeader('ETag', '"a"')
        response.setHeader('Accept-Ranges', 'bytes')
        response.end('well')
      }
    const path = '/_next/static/a.js'
    await sendRequest(board.port, path)
    const json = { Accept: 'application/json' }
    const condition = await sendRequest(board.port, path, { headers: { ...json, 'If-Match': '"b"' } })
    assert.equal(condition.status, 412)
    assert.equal(JSON.parse(condition.body).error.code, 'precondition_failed')
    const range = await sendRequest(board.port, path, { headers: { ...json, Range: 'bytes=99-' } })
    assert.equal(range.status, 416)
    assert.equal(JSON.parse(range.body).error.code, 'range_not_satisfiable')
    // Besides the asset's own, which NGINX has added by then: the strictest one counts.
    assert.match(String(range.headers['cache-control']), /\bno-store$/)
  })

  test(`${mode}: a request for an error page itself is an error, also with a body that is too large`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const path of ['/_nginx/error.json', '/_nginx/error.html'])
      for (const accept of ['application/json', 'text/html']) {
        const socket = connect(board.port, '127.0.0.1')
        const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\nContent-Length: 20000\r\n\r\n`
        socket.end(head + 'x'.repeat(20_000))
        assert.match(await text(socket), /^HTTP\/1\.1 404 .*("code":"not_found"|Nothing here)/s, path)
      }
  })

  test(`${mode}: a target of another scheme than http is refused, and no replica hears of it`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const target of ['ftp://a/', 'FTP://a', 'ws://a/', 'httpx://a/', 'a+b.c-d://a/'])
      assert.equal((await sendRequest(board.port, target)).status, 400, target)
    assert.deepEqual(
      board.replicas.flatMap(({ requests }) => requests),
      [],
    )
    for (const target of ['http://a/', 'HTTPS://a', '/?ftp://a/'])
      assert.equal((await sendRequest(board.port, target)).status, 200, target)
  })

  test(`${mode}: what is not HTTP is a bad request`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const socket = connect(board.port, '127.0.0.1')
    socket.write('GET / nonsense\r\n\r\n')
    const said = await text(socket)
    assert.match(said, /^HTTP\/1\.1 400 /)
    assert.match(said, /That did not work/)
  })

  test(`${mode}: NGINX says that it is up by itself, and does not log it`, { timeout }, async () => {
    await using board = await startBoard(mode)
    await Promise.all(board.replicas.map(replica => replica.die()))
    const { status, body } = await sendRequest(board.port, '/healthz')
    assert.deepEqual([status, body], [200, 'ok\n'])
    await sendRequest(board.port, '/metrics')
    const lines = await board.logged(1)
    assert.deepEqual(
      lines.map(line => JSON.parse(line).uri),
      ['/metrics'],
    )
  })

  test(`${mode}: a line of the access log is JSON that says who answered`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const { headers } = await sendRequest(board.port, '/?q="\\', { headers: { Accept: 'text/html' } })
    const [line = ''] = await board.logged(1)
    const { time, bytes, request_time, upstream_connect_time, upstream_header_time, ...rest } =
      JSON.parse(line)
    const { upstream_response_time, ...exact } = rest
    assert.ok(Number.isFinite(Date.parse(time)))
    for (const figure of [bytes, request_time]) assert.equal(typeof figure, 'number')
    for (const seconds of [upstream_connect_time, upstream_header_time, upstream_response_time])
      assert.match(seconds, /^\d+\.\d{3}$/)
    assert.deepEqual(exact, {
      client: '127.0.0.1',
      method: 'GET',
      uri: '/?q="\\',
      protocol: 'HTTP/1.1',
      status: 200,
      request_id: headers['x-request-id'],
      upstream_addr: board.replicas[0]?.address,
      upstream_status: '200',
      unserved: '',
      cache: '',
    })
  })
  test(`${mode}: the access log lists each try of a page view, and the client does not see it`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, { replicas: 2, pageViews: 1 })
    const [first, second] = board.replicas
    assert.ok(first && second)
    first.answer = breakOff
    const { status, headers } = await sendRequest(board.port, '/', { headers: asCookie(first.srvId) })
    assert.equal(status, 200)
    assert.deepEqual(
      Object.keys(headers).filter(name => /^x-(upstream|unserved)/.test(name)),
      [],
    )
    second.answer = freeze
    const held = startRequest(board.port, '/?held', { headers: asCookie(second.srvId) })
    await eventually(() => second.requests.at(-1)?.url === '/?held', { ms: 20_000 })
    assert.equal((await sendRequest(board.port, '/?overloaded')).status, 503)
    assert.equal(
      (await sendRequest(board.port, '/?body', { body: 'x', headers: { 'Content-Length': '1' } })).status,
      413,
    )
    await board.replicas[1]?.die()
    assert.equal((await held).statusCode, 503)
    await board.replicas[0]?.die()
    assert.equal((await sendRequest(board.port, '/?nobody')).status, 503)
    const [tried, overloaded, body, lost, nobody] = (await board.logged(5)).map(line => JSON.parse(line))
    assert.deepEqual(
      [tried, overloaded, body, lost, nobody].map(({ unserved }) => unserved),
      ['', 'overloaded', '', 'no_answer', 'no_replica'],
    )
    assert.equal(tried.upstream_addr, `${first.address}, ${second.address}`)
    assert.equal(tried.upstream_status, '502, 200')
    for (const times of [tried.upstream_connect_time, tried.upstream_response_time])
      assert.match(times, /^\d+\.\d{3}, \d+\.\d{3}$/)
    assert.match(tried.upstream_header_time, /^-, \d+\.\d{3}$/)
    for (const { upstream_addr, upstream_status, upstream_response_time } of [overloaded, body])
      assert.deepEqual([upstream_addr, upstream_status, upstream_response_time], ['', '', ''])
    assert.deepEqual([overloaded.status, body.status, lost.status], [503, 413, 503])
    assert.match(lost.upstream_addr, new RegExp(`^${second.address}, `))
    assert.match(lost.upstream_response_time, /^\d+\.\d{3}, /)
  })
  test(`${mode}: a line of the access log is JSON whatever bytes a client sends`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const bytes = (written: string) => Buffer.from(written, 'latin1')
    const targets: [Buffer, string][] = [
      [Buffer.from('/api/snapshot?é=€&😀'), '/api/snapshot?é=€&😀'],
      [bytes('/\xff'), '/\ufffd'],
      [bytes('/a\xc3'), '/a\ufffd'],
      [bytes('/?q=\xed\xa0\x80b'), '/?q=\ufffd'],
      [bytes('/\xc0\xaf'), '/\ufffd'],
      [bytes('/\xf5\x80\x80\x80'), '/\ufffd'],
      [bytes(`/${'\xc3'.repeat(7000)}`), '/\ufffd'],
      [Buffer.from(`/${'é'.repeat(3500)}`), `/${'é'.repeat(3500)}`],
    ]
    const headers = bytes(
      ' HTTP/1.1\r\nHost: a\xff\r\nX-\xff: \xff\r\nCookie: srv_id=\xff\r\nConnection: close\r\n\r\n',
    )
    for (const [target] of targets)
      for (const method of ['GET ', 'G\xffT ']) {
        const socket = connect(board.port, '127.0.0.1')
        socket.end(Buffer.concat([bytes(method), target, headers]))
        await text(socket)
      }
    await board.logged(targets.length * 2)
    const log = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(board.nginx.files.accessLog))
    const uris = log
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line).uri)
    for (const [target, logged] of targets) assert.ok(uris.includes(logged), target.toString('latin1', 0, 20))
  })
}
