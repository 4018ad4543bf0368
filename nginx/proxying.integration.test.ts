import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { sendRequest, startRequest } from './testing/client-and-replica.ts'
import { startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 30_000

for (const mode of stickyModes) {
  for (const path of ['/', '/api/snapshot', '/_next/static/a.js'])
    test(`${mode}: what a client says of itself does not reach a replica: ${path}`, { timeout }, async () => {
      await using board = await startBoard(mode, { replicas: 1 })
      const forged = {
        'X-Request-ID': 'f'.repeat(32),
        'X-Real-IP': '9.9.9.9',
        'X-Forwarded-For': '9.9.9.9',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Port': '1',
        'X-Last-Try': '1',
        'X-Arrived-At': '1',
        traceparent: `00-${'e'.repeat(32)}-${'e'.repeat(16)}-00`,
        tracestate: 'a=b',
        Forwarded: 'for=9.9.9.9',
        Upgrade: 'websocket',
        Host: 'board.example:8080',
      }
      const { headers } = await sendRequest(board.port, path, { headers: forged })
      const seen = board.replicas[0]?.requests[0]?.headers ?? {}
      assert.equal(seen['x-request-id'], headers['x-request-id'])
      assert.match(String(seen['x-request-id']), /^[0-9a-f]{32}$/)
      assert.notEqual(seen['x-request-id'], forged['X-Request-ID'])
      const id = String(seen['x-request-id'])
      assert.equal(seen.traceparent, `00-${id}-${id.slice(16)}-01`)
      assert.equal(seen['x-real-ip'], '127.0.0.1')
      assert.equal(seen['x-forwarded-for'], '127.0.0.1')
      assert.equal(seen['x-forwarded-proto'], 'http')
      assert.equal(seen['x-forwarded-host'], 'board.example:8080')
      assert.equal(seen['x-forwarded-port'], '8080')
      assert.equal(seen.host, 'board.example:8080')
      for (const name of ['x-last-try', 'x-arrived-at', 'forwarded', 'upgrade', 'tracestate'])
        assert.equal(seen[name], undefined, name)
    })

  test(`${mode}: the replicas' own endpoints cannot be reached, however they are written`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    for (const path of ['/metrics', '/metrics/', '/health', '/health/live', '/health/ready', '/%6detrics'])
      assert.equal((await sendRequest(board.port, path)).status, 404, path)
    const ambiguous = [
      '//metrics',
      '//x/metrics',
      '/x\\..\\metrics',
      '/a%2fb/../metrics',
      '/a%5C..%5Cmetrics',
      '/x/../metrics',
      '/x/%2e%2e/health/live',
      '/./metrics',
    ]
    for (const path of ambiguous) assert.equal((await sendRequest(board.port, path)).status, 400, path)
    for (const { requests } of board.replicas) assert.equal(requests.length, 0)
  })

  test(`${mode}: what a query holds is the replica's matter`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const path of ['/?next=//x/../y%2f', '/api/log?client_ip=::1&q=%2e%2e'])
      assert.equal((await sendRequest(board.port, path)).status, 200, path)
  })

  test(`${mode}: a web socket reaches Next's hot reload`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket' }
    const outgoing = request({ port: board.port, host: '127.0.0.1', path: '/_next/hmr?id=1', headers })
    outgoing.end()
    const [response, socket, head] = await once(outgoing, 'upgrade')
    assert.equal(response.statusCode, 101)
    assert.equal(String(head) || String((await once(socket, 'data'))[0]), 'hello')
    socket.destroy()
  })

  test(`${mode}: a connection to a replica is used again`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    for (let view = 0; view < 20; view++) await sendRequest(board.port, '/')
    const connections = new Set(board.replicas[0]?.requests.map(({ socket }) => socket))
    assert.ok(connections.size < 10, `${connections.size} connections for 20 requests`)
  })
}

for (const mode of stickyModes) {
  test(`${mode}: an event arrives while the stream is open, and is not compressed`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    const streams: ServerResponse[] = []
    for (const replica of board.replicas)
      replica.answer = (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('data: 1\n\n')
        streams.push(response)
      }
    const response = await startRequest(board.port, '/api/live', { headers: { 'Accept-Encoding': 'gzip' } })
    assert.equal(response.headers['content-encoding'], undefined)
    assert.equal(String((await once(response, 'data'))[0]), 'data: 1\n\n')
    streams[0]?.write('data: 2\n\n')
    assert.equal(String((await once(response, 'data'))[0]), 'data: 2\n\n')
    response.destroy()
  })

  test(`${mode}: an asset is fetched once, and outlives the replica that had it`, { timeout }, async () => {
    await using board = await startBoard(mode)
    const [first, ...others] = board.replicas
    for (const replica of others) replica.answer = (_request, response) => void response.writeHead(404).end()
    if (first)
      first.answer = (_request, response) => {
        response.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
        response.end('code')
      }
    // However many replicas of another version are tried first, the one that has the asset answers.
    for (let view = 0; view < 5; view++) {
      const { status, body, headers } = await sendRequest(board.port, `/_next/static/a.js?v=${view}`)
      assert.deepEqual([status, body], [200, 'code'])
      assert.match(String(headers['cache-control']), /immutable/)
    }
    assert.equal(first?.requests.length, 1)
    await Promise.all(board.replicas.map(replica => replica.die()))
    assert.equal((await sendRequest(board.port, '/_next/static/a.js')).body, 'code')
  })

  test(`${mode}: what may not be kept is not kept`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
    for (let view = 0; view < 2; view++) await sendRequest(board.port, '/_next/static/a.js')
    assert.equal(board.replicas[0]?.requests.length, 2)
  })

  test(`${mode}: texts are compressed`, { timeout }, async () => {
    await using board = await startBoard(mode, { replicas: 1 })
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
      const { headers } = await sendRequest(board.port, '/x', { headers: { 'Accept-Encoding': 'gzip' } })
      assert.equal(headers['content-encoding'], 'gzip', type)
      assert.match(String(headers.vary), /Accept-Encoding/)
    }
  })
}
