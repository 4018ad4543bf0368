import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { ask } from './testing/request-fixture.ts'
import { startBoard, ways } from './testing/run-nginx.ts'

const timeout = 30_000

for (const way of ways) {
  for (const path of ['/', '/api/snapshot', '/_next/static/a.js'])
    test(`${way}: what a client says of itself does not reach a replica: ${path}`, { timeout }, async () => {
      await using board = await startBoard(way, { replicas: 1 })
      const forged = {
        'X-Request-ID': 'f'.repeat(32),
        'X-Real-IP': '9.9.9.9',
        'X-Forwarded-For': '9.9.9.9',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Port': '1',
        'X-Last-Try': '1',
        Forwarded: 'for=9.9.9.9',
        Upgrade: 'websocket',
        Host: 'board.example:8080',
      }
      const { headers } = await ask(board.port, path, { headers: forged })
      const seen = board.replicas[0]?.requests[0]?.headers ?? {}
      assert.equal(seen['x-request-id'], headers['x-request-id'])
      assert.match(String(seen['x-request-id']), /^[0-9a-f]{32}$/)
      assert.notEqual(seen['x-request-id'], forged['X-Request-ID'])
      assert.equal(seen['x-real-ip'], '127.0.0.1')
      assert.equal(seen['x-forwarded-for'], '127.0.0.1')
      assert.equal(seen['x-forwarded-proto'], 'http')
      assert.equal(seen['x-forwarded-host'], 'board.example:8080')
      assert.equal(seen['x-forwarded-port'], '8080')
      assert.equal(seen.host, 'board.example:8080')
      for (const name of ['x-last-try', 'forwarded', 'upgrade']) assert.equal(seen[name], undefined, name)
    })

  test(`${way}: the replicas' own endpoints cannot be reached, however they are written`, {
    timeout,
  }, async () => {
    await using board = await startBoard(way)
    for (const path of ['/metrics', '/metrics/', '/health', '/health/live', '/health/ready', '/%6detrics'])
      assert.equal((await ask(board.port, path)).status, 404, path)
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
    for (const path of ambiguous) assert.equal((await ask(board.port, path)).status, 400, path)
    for (const { requests } of board.replicas) assert.equal(requests.length, 0)
  })

  test(`${way}: what a query holds is the replica's matter`, { timeout }, async () => {
    await using board = await startBoard(way)
    for (const path of ['/?next=//x/../y%2f', '/api/log?client_ip=::1&q=%2e%2e'])
      assert.equal((await ask(board.port, path)).status, 200, path)
  })

  test(`${way}: a web socket reaches Next's hot reload`, { timeout }, async () => {
    await using board = await startBoard(way)
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket' }
    const outgoing = request({ port: board.port, host: '127.0.0.1', path: '/_next/hmr?id=1', headers })
    outgoing.end()
    const [response, socket, head] = await once(outgoing, 'upgrade')
    assert.equal(response.statusCode, 101)
    assert.equal(String(head) || String((await once(socket, 'data'))[0]), 'hello')
    socket.destroy()
  })

  test(`${way}: a connection to a replica is used again`, { timeout }, async () => {
    await using board = await startBoard(way, { replicas: 1 })
    for (let view = 0; view < 20; view++) await ask(board.port, '/')
    const connections = new Set(board.replicas[0]?.requests.map(({ socket }) => socket))
    assert.ok(connections.size < 10, `${connections.size} connections for 20 requests`)
  })
}
