import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../tools/lib/testing.ts'
import { asCookie, sendRequest } from './testing/request.ts'
import { type Board, type StickyMode, startBoard, stickyModes } from './testing/run-nginx.ts'
import { drain, freeze, type StubReplica } from './testing/stub-replica.ts'

// Several NGINXes in front of the same replicas share nothing: the cookie alone says where a visitor belongs.

const timeout = 60_000

type Two = AsyncDisposable & {
  boards: [Board, Board]
  first: StubReplica
  second: StubReplica
  third: StubReplica
}

/** Two NGINXes in front of the same three replicas. */
async function startTwo([one, other]: [StickyMode, StickyMode]): Promise<Two> {
  await using resources = new AsyncDisposableStack()
  const board = resources.use(await startBoard(one))
  const beside = resources.use(await startBoard(other, { inFrontOf: board.replicas }))
  const [first, second, third] = board.replicas
  assert.ok(first && second && third)
  const kept = resources.move()
  return {
    ...{ boards: [board, beside], first, second, third },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** A page view of a visitor with the cookie `srvId`, or of a new one: who answered, and the cookie that the answer leaves. */
async function visit({ port }: Board, srvId?: string) {
  const { status, headers, cookies } = await sendRequest(port, '/', { headers: srvId ? asCookie(srvId) : {} })
  assert.equal(status, 200)
  // Browsers keep the last one.
  return { server: String(headers['x-srv-id']), cookie: cookies.at(-1)?.value ?? '' }
}

const pairs = stickyModes.flatMap(one => stickyModes.map((other): [StickyMode, StickyMode] => [one, other]))

for (const modes of pairs) {
  const name = modes.join(' and ')

  test(`${name}: a visitor stays on its server whichever NGINX it meets`, { timeout }, async () => {
    await using two = await startTwo(modes)
    const servers = new Set<string>()
    for (const home of two.boards) {
      for (let visitor = 0; visitor < 6; visitor++) {
        const { server, cookie } = await visit(home)
        assert.equal(cookie, server)
        servers.add(server)
        for (let view = 0; view < 3; view++)
          for (const board of two.boards) assert.deepEqual(await visit(board, cookie), { server, cookie })
      }
    }
    assert.equal(servers.size, 3)
  })

  test(`${name}: both keep the visitors of a draining server there, and send it no new ones`, {
    timeout,
  }, async () => {
    await using two = await startTwo(modes)
    const { first, second, third } = two
    first.answer = drain(first)
    for (const board of two.boards) {
      for (let view = 0; view < 3; view++)
        assert.deepEqual(await visit(board, first.srvId), { server: first.srvId, cookie: first.srvId })
      for (let visitor = 0; visitor < 6; visitor++) {
        const { server } = await visit(board)
        assert.ok([second.srvId, third.srvId].includes(server))
      }
    }
  })

  test(`${name}: the visitor of a dead server is moved once; the other NGINX keeps it where it went`, {
    timeout,
  }, async () => {
    await using two = await startTwo(modes)
    const [one, other] = two.boards
    await two.first.die()
    for (const [meets, thenMeets] of [
      [one, other],
      [other, one],
    ] as const) {
      const moved = await visit(meets, two.first.srvId)
      assert.notEqual(moved.server, two.first.srvId)
      assert.equal(moved.cookie, moved.server)
      for (let view = 0; view < 3; view++) assert.deepEqual(await visit(thenMeets, moved.cookie), moved)
    }
  })

  test(`${name}: the visitor of a dead server passes by one that drains, at both`, { timeout }, async () => {
    await using two = await startTwo(modes)
    const { first, second, third } = two
    await first.die()
    second.answer = drain(second)
    for (const board of two.boards)
      for (let view = 0; view < 4; view++)
        assert.deepEqual(await visit(board, first.srvId), { server: third.srvId, cookie: third.srvId })
  })

  test(`${name}: a server that froze and answers again keeps its visitors at both`, { timeout }, async () => {
    await using two = await startTwo(modes)
    const { first, boards } = two
    const { answer } = first
    first.answer = freeze
    // Each finds out by itself: what one knows of a server's failure the other does not.
    for (const board of boards) assert.notEqual((await visit(board, first.srvId)).server, first.srvId)
    first.answer = answer
    for (const board of boards) {
      // NGINX tries a failed server again after a second.
      await eventually(async () => (await visit(board, first.srvId)).server === first.srvId)
      for (let view = 0; view < 3; view++) assert.equal((await visit(board, first.srvId)).server, first.srvId)
    }
  })

  test(`${name}: when one NGINX is killed, its visitors keep their servers at the other`, {
    timeout,
  }, async () => {
    await using two = await startTwo(modes)
    const [one, other] = two.boards
    const visitors = []
    for (let visitor = 0; visitor < 6; visitor++) visitors.push(await visit(one))
    process.kill(-one.nginx.pid, 'SIGKILL')
    await one.nginx.ended
    await assert.rejects(sendRequest(one.port, '/'))
    // Each several times, so that no other order of servers gives the same.
    for (const visitor of visitors)
      for (let view = 0; view < 3; view++) assert.deepEqual(await visit(other, visitor.cookie), visitor)
  })
}
