import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import { createHttpServer, createRouter } from './router.ts'

const malformed = {
  'a method that Node does not know': 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n',
  'raw bytes in the path': 'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n',
  'raw bytes in the query': 'GET /?\xc3\x28 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a control character in a header': 'GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n',
}

for (const [what, request] of Object.entries(malformed))
  test(`${what}: 400 in the format of all errors`, async () => {
    const { head, body } = await send(request)
    assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.match(head, /^Content-Type: application\/json; charset=utf-8$/m)
    assert.match(head, /^Cache-Control: no-store$/m)
    assert.match(head, /^Connection: close$/m)
    assert.equal(JSON.parse(body).error.code, 'bad_request')
  })

test('too large a head: 431 in the format of all errors', async () => {
  const { head, body } = await send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.match(head, /^HTTP\/1\.1 431 /)
  assert.equal(JSON.parse(body).error.code, 'headers_too_large')
})

test('a client that resets its connection is not an error', async () => {
  await using server = await startServer()
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost')
  await once(server.http, 'connection')
  socket.resetAndDestroy()
  await once(socket, 'close')
  assert.match((await sendTo(server.port, 'GET / HTTP/1.0\r\n\r\n')).head, /^HTTP\/1\.1 200 /)
})

test('a request without Host, with an unknown Expect or with an unknown coding is an error like others', async () => {
  const noHost = await send('GET / HTTP/1.1\r\n\r\n')
  assert.match(noHost.head, /^HTTP\/1\.1 400 /)
  assert.equal(JSON.parse(noHost.body).error.code, 'bad_request')
  const expectation = await send('GET / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n')
  assert.match(expectation.head, /^HTTP\/1\.1 417 /)
  assert.equal(JSON.parse(expectation.body).error.code, 'expectation_failed')
  for (const coding of ['gzip, chunked', 'identity', 'xchunked']) {
    const { head, body } = await send(
      `GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    assert.match(head, /^HTTP\/1\.1 501 /, coding)
    assert.equal(JSON.parse(body).error.code, 'not_implemented', 'and this is the only answer')
  }
})

test('a body that turns out to be broken adds no second answer', async () => {
  for (const broken of ['-1\r\n', '5\r\nhelloX', 'ffffffffffffffff1\r\n']) {
    const { all } = await send(`GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${broken}`)
    assert.deepEqual(statusesIn(all), ['200'], broken)
  }
})

test('what cannot be read after a request is answered after it', async () => {
  const late: RequestListener = (_request, response) => void setImmediate(() => response.end('well'))
  await using server = await startServer(late)
  const { all } = await sendTo(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n')
  assert.deepEqual(statusesIn(all), ['200', '400'])
})

test('a request that expects to continue gets its answer, after those of earlier requests', async () => {
  const late: RequestListener = (_request, response) => void setImmediate(() => response.end('well'))
  await using server = await startServer(late)
  const expecting = 'GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'
  const { all } = await sendTo(server.port, `${expecting}${expecting}nonsense\r\n\r\n`)
  assert.deepEqual(statusesIn(all), ['200', '200', '400'])
  assert.equal(all.split('well').length, 3)
})

test('nothing is handled after an answer that ends the connection', async () => {
  let handled = 0
  await using server = await startServer((_request, response) => void response.end(String(++handled)))
  const plain = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const header of [
    'Expect: a miracle',
    'Expect: 100-continue\r\nContent-Length: 0005',
    'Transfer-Encoding: gzip, chunked',
  ]) {
    const body = header.includes('Length') ? 'hello' : header.includes('chunked') ? '0\r\n\r\n' : ''
    const { all } = await sendTo(server.port, `GET / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n${body}${plain}`)
    assert.equal(statusesIn(all).length, 1, all)
  }
  assert.equal(handled, 0)
})

test('only a path that is written plainly is that of an endpoint', async () => {
  const router = createRouter({
    exact: { '/': { GET: (_request, response) => void response.end('page') } },
    fallback: (_request, response) => void response.writeHead(404).end(),
    onError: () => {},
  })
  await using server = await startServer(router)
  const statusOf = async (target: string) =>
    statusesIn((await sendTo(server.port, `GET ${target} HTTP/1.0\r\n\r\n`)).all)[0]
  for (const target of ['/', '/?a/../b', '/#..', 'http://a', 'HTTPS://a/?x'])
    assert.equal(await statusOf(target), '200', target)
  for (const target of [
    '/..',
    '/.',
    '/x/..',
    '/x/../',
    '/%2e',
    '/%2E./',
    '/x\\..',
    '/\\',
    'http://a/..',
    '/../?a',
  ])
    assert.equal(await statusOf(target), '400', target)
  for (const target of ['/x', '//', '/...', '/.well-known', '/a..b', '/x?/..'])
    assert.equal(await statusOf(target), '404', target)
})

const statusesIn = (answers: string) => [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)

async function send(request: string) {
  await using server = await startServer()
  return await sendTo(server.port, request)
}

async function sendTo(port: number, request: string) {
  const socket = connect(port, '127.0.0.1')
  socket.write(request, 'latin1')
  const all = await text(socket)
  const [head = '', body = ''] = all.split('\r\n\r\n')
  return { head, body, all }
}

async function startServer(listener: RequestListener = (_request, response) => void response.end('well')) {
  const http = createHttpServer({}, listener)
  return { http, ...(await startStubServer(http)) }
}
