import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asCookie, sendRequest } from './testing/request.ts'
import { startBoard, stickyModes } from './testing/run-nginx.ts'
import { breakOff, cannotCount, drain, type StubReplica } from './testing/stub-replica.ts'

const timeout = 30_000

/** Three replicas, of which some drain. */
async function startThree(mode: (typeof stickyModes)[number]) {
  const board = await startBoard(mode)
  const [first, second, third] = board.replicas
  if (!first || !second || !third) throw new Error('three replicas were asked for')
  return { board, first, second, third }
}

function drainAll(replicas: StubReplica[]): void {
  for (const replica of replicas) replica.answer = drain(replica)
}

for (const mode of stickyModes) {
  test(`${mode}: the visitor of a dead replica passes by one that drains`, { timeout }, async () => {
    const { board, first, second, third } = await startThree(mode)
    await using _ = board
    drainAll([second])
    await first.die()
    for (let visit = 0; visit < 6; visit++) {
      const { status, headers, cookies } = await sendRequest(board.port, '/', {
        headers: asCookie(first.srvId),
      })
      assert.deepEqual([status, headers['x-srv-id']], [200, third.srvId])
      assert.deepEqual(
        cookies.map(cookie => cookie.value),
        [third.srvId],
      )
    }
  })

  test(`${mode}: the last live replica takes new visitors, although it drains`, { timeout }, async () => {
    const { board, first, second, third } = await startThree(mode)
    await using _ = board
    drainAll([third])
    await Promise.all([first.die(), second.die()])
    for (let visit = 0; visit < 6; visit++) {
      const { status, headers, cookies } = await sendRequest(board.port, '/')
      assert.deepEqual([status, headers['x-srv-id']], [200, third.srvId])
      assert.equal(cookies.at(-1)?.value, third.srvId)
    }
  })

  test(`${mode}: one that drained takes strangers as soon as it no longer does`, { timeout }, async () => {
    const { board, first, second, third } = await startThree(mode)
    await using _ = board
    const { answer } = first
    drainAll([first])
    for (let visit = 0; visit < 9; visit++) await sendRequest(board.port, '/')
    first.answer = answer
    drainAll([second, third])
    assert.equal((await sendRequest(board.port, '/')).headers['x-srv-id'], first.srvId)
  })

  test(`${mode}: visitors of a replica that cannot count move to the others without an error`, {
    timeout,
  }, async () => {
    const { board, first } = await startThree(mode)
    await using _ = board
    const { answer } = first
    first.answer = cannotCount
    for (let visit = 0; visit < 12; visit++) {
      const { status, headers, cookies } = await sendRequest(board.port, '/', {
        headers: visit % 2 ? {} : asCookie(first.srvId),
      })
      assert.equal(status, 200)
      assert.notEqual(headers['x-srv-id'], first.srvId)
      assert.deepEqual(
        cookies.map(cookie => cookie.value),
        [headers['x-srv-id']],
      )
    }
    first.answer = answer
    const back = await sendRequest(board.port, '/', { headers: asCookie(first.srvId) })
    assert.equal(back.headers['x-srv-id'], first.srvId, 'no failure was held against it')
  })

  test(`${mode}: when none can count, a replica says so at the last try`, { timeout }, async () => {
    const { board, first, second, third } = await startThree(mode)
    await using _ = board
    for (const replica of [first, second, third]) replica.answer = cannotCount
    const { status, headers, body } = await sendRequest(board.port, '/', { headers: asCookie(first.srvId) })
    assert.deepEqual([status, headers['retry-after'], body], [503, '1', 'cannot count'])
    assert.equal(board.replicas.flatMap(({ requests }) => requests).length, 4)
  })

  test(`${mode}: HEAD goes the same way as GET`, { timeout }, async () => {
    const { board, first, second, third } = await startThree(mode)
    await using _ = board
    const head = { method: 'HEAD' }
    drainAll([first, second])
    assert.equal((await sendRequest(board.port, '/', head)).headers['x-srv-id'], third.srvId)
    drainAll([third])
    const { status, headers } = await sendRequest(board.port, '/', head)
    assert.deepEqual([status, typeof headers['x-srv-id']], [200, 'string'])
  })
}

if (stickyModes.includes('legacy'))
  test("legacy: the last try goes by what strangers found, not by the visitor's own replica's past", {
    timeout,
  }, async () => {
    const { board, first, second, third } = await startThree('legacy')
    await using _ = board
    const { answer } = first
    first.answer = breakOff
    const own = { headers: asCookie(first.srvId) }
    assert.equal((await sendRequest(board.port, '/', own)).status, 200)
    first.answer = answer
    await Promise.all([second.die(), third.die()])
    assert.equal((await sendRequest(board.port, '/', own)).headers['x-srv-id'], first.srvId)
  })
