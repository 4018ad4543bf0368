import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { sendRequest, startRequest } from './testing/request.ts'
import { type Board, startBoard, stickyModes } from './testing/run-nginx.ts'

// Less than NGINX's own default of 60 s, and the 30 s of other answers.
const timeout = 25_000

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
      timeout,
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

  test(`${mode}: an address makes one export at a time, and others make theirs`, { timeout }, async () => {
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
