import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { eventually } from '../tools/lib/testing.ts'
import { sendRequest, startRequest, testCertificate } from './testing/client-and-replica.ts'
import { type Board, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 60_000

// Fewer places than clients that trickle.
const settings = { pageViews: 2, tls: true }
const clients = 5

// Each of these announces a body, of which nothing or one byte comes.
const announcements = {
  'Content-Length': 'GET / HTTP/1.1\r\nHost: board\r\nContent-Length: 16000\r\n\r\nx',
  'Content-Length with zeros before it': 'GET / HTTP/1.1\r\nHost: board\r\nContent-Length: 0016\r\n\r\n',
  chunked: 'GET /?a=b HTTP/1.1\r\nHost: board\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nx',
  'Chunked, no chunk yet': 'GET / HTTP/1.1\r\nHost: board\r\nTransfer-Encoding: Chunked\r\n\r\n',
  'Expect: 100-continue':
    'GET / HTTP/1.1\r\nHost: board\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n',
  HEAD: 'HEAD / HTTP/1.1\r\nHost: board\r\nContent-Length: 9\r\n\r\n',
  'HTTP/1.0': 'GET / HTTP/1.0\r\nContent-Length: 9\r\n\r\n',
  'the whole address': 'GET http://board HTTP/1.1\r\nHost: board\r\nContent-Length: 9\r\n\r\n',
}

for (const mode of stickyModes) {
  for (const secure of [false, true]) {
    const scheme = secure ? 'HTTPS' : 'HTTP'

    for (const [name, request] of Object.entries(announcements))
      test(`${mode}: a page view with a body is refused while the body is awaited: ${name}, ${scheme}`, {
        timeout,
      }, async () => {
        await using board = await startBoard(mode, { ...settings, tls: secure })
        const open = await openConnections(board, secure)
        for (const socket of open) socket.write(request)
        for (const socket of open) assert.match(await firstLine(socket), /^HTTP\/1\.1 413 /)
        assert.equal((await sendRequest(portOf(board, secure), '/', { tls: secure })).status, 200)
        assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 1)
        for (const socket of open) socket.destroy()
      })

    test(`${mode}: a client that reads no answers holds no place: ${scheme}`, { timeout }, async () => {
      await using board = await startBoard(mode, { ...settings, tls: secure })
      answerLargePages(board)
      const open = await openConnections(board, secure)
      // More than what the kernels on both sides keep of a connection.
      for (const socket of open) {
        socket.pause()
        socket.write('GET / HTTP/1.1\r\nHost: board\r\n\r\n'.repeat(100))
      }
      await untilNoneComes(board)
      assert.equal((await sendRequest(portOf(board, secure), '/', { tls: secure })).status, 200)
      for (const socket of open) socket.destroy()
    })

    test(`${mode}: slow headers hold no place: ${scheme}`, { timeout }, async () => {
      await using board = await startBoard(mode, { ...settings, tls: secure })
      const open = await openConnections(board, secure)
      for (const socket of open) socket.write('GET / HTTP/1.1\r\nHost: board\r\nX-Slow: ')
      assert.equal((await sendRequest(portOf(board, secure), '/', { tls: secure })).status, 200)
      for (const socket of open) socket.destroy()
    })
  }

  test(`${mode}: a page view with an empty body is a page view`, { timeout }, async () => {
    await using board = await startBoard(mode)
    for (const headers of [{ 'Content-Length': '0' }, { Expect: '100-continue', 'Content-Length': '0' }])
      assert.equal((await sendRequest(board.port, '/', { headers })).status, 200)
  })

  test(`${mode}: a body whose length HTTP/2 does not say holds no place, and is refused`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, settings)
    const session = await openSession(board)
    const streams = openStreams(session, { endStream: false })
    for (const stream of streams) stream.write('x')
    await processed(session)
    assert.equal((await sendRequest(board.tlsPort, '/', { tls: true })).status, 200)
    assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 1)
    for (const stream of streams) {
      stream.end('y')
      assert.equal(await statusOf(stream), 413)
    }
    const empty = openStream(session, { endStream: false })
    empty.end()
    assert.equal(await statusOf(empty), 200)
    session.destroy()
  })

  test(`${mode}: a body that HTTP/2 announces is refused`, { timeout }, async () => {
    await using board = await startBoard(mode, settings)
    const session = await openSession(board)
    for (const stream of openStreams(session, { endStream: false }, { 'content-length': '9' }))
      assert.equal(await statusOf(stream), 413)
    assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 0)
    session.destroy()
  })

  test(`${mode}: a client that opens no HTTP/2 window for the page holds no place, and can still read it`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode, settings)
    answerLargePages(board)
    const session = await openSession(board, 0)
    const held = () =>
      board.replicas.flatMap(({ requests }) => requests).filter(({ url }) => url === '/?held')
    const streams: ClientHttp2Stream[] = []
    for (let client = 1; client <= clients; client++) {
      streams.push(openStream(session, { endStream: true }, { ':path': '/?held' }))
      await eventually(() => held().length === client, { ms: 20_000 })
      await eventually(async () => (await sendRequest(board.tlsPort, '/', { tls: true })).status === 200, {
        ms: 20_000,
      })
    }
    session.settings({ initialWindowSize: 1 << 20 })
    for (const stream of streams) assert.equal((await text(stream)).length, largePage.length)
    session.destroy()
  })

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'NONSENSE'])
    test(`${mode}: the page takes no ${method}, and no replica hears of it`, { timeout }, async () => {
      await using board = await startBoard(mode)
      const socket = connect(board.port, '127.0.0.1')
      socket.write(
        `${method} /?a=b HTTP/1.1\r\nHost: board\r\nAccept: application/json\r\nContent-Length: 9\r\n\r\nx`,
      )
      const answer = await untilText(socket, /"code":"method_not_allowed".*\}\n$/s)
      assert.match(answer, /^HTTP\/1\.1 405 /)
      assert.match(answer, /\r\nAllow: GET, HEAD\r\n/)
      assert.match(answer, /\r\nContent-Type: application\/json\r\n/)
      socket.destroy()
      const page = await sendRequest(board.port, '/', { method: 'DELETE', headers: { Accept: 'text/html' } })
      assert.deepEqual([page.status, page.headers.allow], [405, 'GET, HEAD'])
      assert.match(page.body, /^<!doctype html>/)
      assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 0)
    })
}

const largePage = 'x'.repeat(200_000)

function answerLargePages(board: Board): void {
  for (const replica of board.replicas) replica.answer = (_request, response) => void response.end(largePage)
}

function portOf(board: Board, secure: boolean): number {
  return secure ? board.tlsPort : board.port
}

function openConnections(board: Board, secure: boolean): Promise<(Socket | TLSSocket)[]> {
  return Promise.all(
    Array.from({ length: clients }, async () => {
      const to = { host: '127.0.0.1', port: portOf(board, secure) }
      const socket = secure ? connectTls({ ...to, ca: readFileSync(testCertificate) }) : connect(to)
      socket.on('error', () => {})
      await once(socket, secure ? 'secureConnect' : 'connect')
      return socket
    }),
  )
}

async function firstLine(socket: Socket): Promise<string> {
  const answer = await untilText(socket, /\r\n/)
  return answer.slice(0, answer.indexOf('\r\n'))
}

/** What came on a connection until it matches, or until its end. */
async function untilText(socket: Socket, pattern: RegExp): Promise<string> {
  let received = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received += chunk
    if (pattern.test(received)) break
  }
  return received
}

/** Until NGINX has sent as much as the clients take, and passes none of their requests on any more. */
async function untilNoneComes(board: Board): Promise<void> {
  let before = -1
  await eventually(
    () => {
      const now = board.replicas.flatMap(({ requests }) => requests).length
      const last = before
      before = now
      return now > 0 && now === last
    },
    { ms: 20_000, everyMs: 500 },
  )
}

async function openSession(board: Board, initialWindowSize?: number): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://localhost:${board.tlsPort}`, {
    ca: readFileSync(testCertificate),
    settings: initialWindowSize === undefined ? {} : { initialWindowSize },
  })
  await once(session, 'remoteSettings')
  return session
}

function openStreams(
  session: ClientHttp2Session,
  options: { endStream: boolean },
  headers: Record<string, string> = {},
): ClientHttp2Stream[] {
  return Array.from({ length: clients }, () => openStream(session, options, headers))
}

function openStream(
  session: ClientHttp2Session,
  options: { endStream: boolean },
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  const stream = session.request({ ':path': '/', ...headers }, options)
  stream.on('error', () => {})
  return stream
}

/** Until NGINX has read all frames sent so far: it answers a ping after them. */
async function processed(session: ClientHttp2Session): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  session.ping(error => (error ? reject(error) : resolve()))
  await promise
}

async function statusOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }]
  return headers[':status']
}

// Less than NGINX's own default of 60 s, and the 30 s of other answers.
const readersTimeout = 25_000

/** Asks for `path`, and reads nothing of what comes. */
async function connectAndStall(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause()
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  return socket
}

/** Lets each replica answer with as much as anybody takes; resolves with the answers, once there are `count`. */
function pourFrom({ replicas }: Board, count: number): Promise<ServerResponse[]> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse[]>()
  const answers: ServerResponse[] = []
  const piece = Buffer.alloc(64 * 1024, '\n')
  for (const replica of replicas)
    replica.answer = (_request, response) => {
      const pour = () => {
        while (!response.destroyed && response.write(piece));
      }
      response.on('drain', pour)
      pour()
      if (answers.push(response) === count) resolve(answers)
    }
  return promise
}

for (const mode of stickyModes) {
  for (const path of ['/api/live', '/api/log.csv'])
    test(`${mode}: a reader of ${path} that takes nothing is cut, and one that reads is not`, {
      timeout: readersTimeout,
    }, async () => {
      await using board = await startBoard(mode, { replicas: 1 })
      const poured = pourFrom(board, 21)
      const readers = Array.from({ length: 20 }, () => connectAndStall(board.port, path))
      const reading = await startRequest(board.port, path)
      reading.resume()
      const answers = await poured
      const cut = answers.filter(answer => !answer.destroyed).map(answer => once(answer, 'close'))
      // All but the one that is read end; then so would it, if time alone had ended them.
      await new Promise<void>(resolve => {
        let left = cut.length - 1
        for (const closed of cut) closed.then(() => --left === 0 && resolve())
      })
      assert.equal(answers.filter(answer => !answer.destroyed).length, 1)
      assert.ok(!reading.destroyed && !reading.complete)
      reading.destroy()
      for (const reader of await Promise.all(readers)) reader.destroy()
    })

  test(`${mode}: an address makes one export at a time, and others make theirs`, {
    timeout: readersTimeout,
  }, async () => {
    await using board = await startBoard(mode, { trustedProxies: ['127.0.0.1'] })
    const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } })
    const poured = pourFrom(board, 3)
    const first = await startRequest(board.port, '/api/log.csv', from('203.0.113.7'))
    const second = await sendRequest(board.port, '/api/log.csv', from('203.0.113.7'))
    assert.deepEqual([second.status, JSON.parse(second.body).error.code], [429, 'too_many_requests'])
    const others = await Promise.all(
      ['203.0.113.8', '10.0.0.7'].map(address => startRequest(board.port, '/api/log.csv', from(address))),
    )
    assert.deepEqual(
      [first, ...others].map(answer => answer.statusCode),
      [200, 200, 200],
    )
    await poured
    for (const answer of [first, ...others]) answer.destroy()
  })
}
