import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import { answerMalformed } from './router.ts'

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

async function send(request: string) {
  await using server = await startServer()
  return await sendTo(server.port, request)
}

async function sendTo(port: number, request: string) {
  const socket = connect(port, '127.0.0.1')
  socket.write(request, 'latin1')
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  return { head, body }
}

async function startServer() {
  const http = createServer((_request, response) => response.end('well'))
  http.on('clientError', answerMalformed)
  return { http, ...(await startStubServer(http)) }
}
