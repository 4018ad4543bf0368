// Servers that turn visitors away, because they drain or cannot count: NGINX passes each visitor on, and each counts once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { createTestDatabase } from '../prisma/testing/test-database.ts'
import { type DatabaseProxy, startDatabaseProxy } from '../tools/lib/database-proxy.ts'
import { eventually } from '../tools/lib/testing.ts'
import { databaseHitStore } from '../web/server/db/hit-store.ts'
import { openWritePool } from '../web/server/db/pools.ts'
import { registerServer } from '../web/server/db/servers.ts'
import { forOwnVisitors } from '../web/server/endpoints/page.ts'
import { readHit } from '../web/server/hits/hit.ts'
import { defaultLimits, HitQueue } from '../web/server/hits/hit-queue.ts'
import { canBePassedOn } from '../web/server/http/request.ts'
import { createRouter, sendJson } from '../web/server/http/router.ts'
import { CommitHealth } from '../web/server/lifecycle/commit-health.ts'
import {
  type Answer,
  asCookie,
  breakOff,
  cannotCount,
  drain,
  type StubReplica,
  sendRequest,
} from './testing/client-and-replica.ts'
import { type StickyMode, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 60_000

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

  test(`${mode}: one that drained takes new visitors as soon as it no longer does`, { timeout }, async () => {
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
  test("legacy: the last try goes by what new visitors found, not by the visitor's own replica's past", {
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

/** Has a stub count as a replica does, through a separate proxy to the database. */
async function makeItCount(stub: StubReplica, databaseUrl: string) {
  const proxy = await startDatabaseProxy(databaseUrl)
  const pool = openWritePool(proxy.url)
  const place = { srvId: stub.srvId, address: stub.address, name: null }
  const { id } = await registerServer(pool, place, 300)
  const store = databaseHitStore(pool, { id, srv_id: stub.srvId })
  const health = new CommitHealth({
    probe: store.probe,
    onChange: cannotCount => queue.suspend(cannotCount),
    onFailure: () => {},
    onSuccess: () => {},
  })
  const queue = new HitQueue(store, defaultLimits, {
    onCounted: () => health.succeeded(),
    onFailure: failure => health.failed(failure),
    onSlow: () => health.suspect(),
  })
  const own = {
    srvId: stub.srvId,
    isDraining: () => false,
    cannotCount: () => health.unready !== null,
  }
  const page = forOwnVisitors(own, async (request, response) => {
    const count = await queue.submit(readHit(request), { canBePassedOn: canBePassedOn(request) })
    sendJson(response, 200, count, { 'X-Srv-Id': stub.srvId })
  })
  stub.answer = createRouter({
    exact: { '/': { GET: page } },
    fallback: (_request, response) => void response.writeHead(404).end(),
    onError: () => {},
  })
  return {
    proxy,
    async close() {
      health.stop()
      await queue.close()
      void pool.end().catch(() => {})
      await proxy[Symbol.asyncDispose]()
    },
  }
}

/** NGINX, three replicas that count, and what the database says of page views. */
async function startCounting(mode: StickyMode) {
  const database = await createTestDatabase()
  const board = await startBoard(mode)
  const counting = await Promise.all(board.replicas.map(stub => makeItCount(stub, database.url)))
  const [cutOff, other] = board.replicas
  const [first] = counting
  assert.ok(cutOff && other && first)
  return {
    cutOff,
    proxy: first.proxy,
    proxies: counting.map(({ proxy }) => proxy),
    visit: (cookie?: StubReplica) =>
      sendRequest(board.port, '/', cookie ? { headers: asCookie(cookie.srvId) } : {}),
    async rowsByRequest(): Promise<Map<string, number[]>> {
      const connection = await mysql.createConnection(database.url)
      const [rows] = await connection.query('SELECT request_id, id FROM access_log ORDER BY id')
      await connection.end()
      const byRequest = Map.groupBy(logRows.parse(rows), row => row.request_id)
      return new Map([...byRequest].map(([request, its]) => [request, its.map(({ id }) => id)]))
    },
    async [Symbol.asyncDispose]() {
      for (const replica of counting) await replica.close()
      await board[Symbol.asyncDispose]()
      await database.drop()
    },
  }
}

const logRows = z.array(z.object({ request_id: z.string(), id: z.number() }))
const count = z.object({ id: z.number() })

const cuts: Record<string, (proxy: DatabaseProxy) => Promise<void> | void> = {
  refused: proxy => proxy.refuse(),
  'met with silence': proxy => proxy.silence(),
}

for (const mode of stickyModes)
  for (const [how, cut] of Object.entries(cuts)) {
    test(`${mode}: a replica's connections are ${how}: others serve its visitors, and each counts once`, {
      timeout,
    }, async () => {
      await using board = await startCounting(mode)
      const { cutOff, proxy, visit } = board
      const answers: Answer[] = []
      const visitBoth = async () => {
        answers.push(...(await Promise.all([visit(cutOff), visit(), visit()])))
      }
      await visitBoth()
      const underWay = Array.from({ length: 5 }, visitBoth)
      await cut(proxy)
      await Promise.all(underWay)
      for (let times = 0; times < 10; times++) await visitBoth()
      for (const { status } of answers) assert.equal(status, 200)
      assert.ok(answers.slice(-30).every(({ headers }) => headers['x-srv-id'] !== cutOff.srvId))

      await proxy.restore()
      await eventually(async () => (await visit(cutOff)).headers['x-srv-id'] === cutOff.srvId)
      const rows = await board.rowsByRequest()
      for (const { headers, body } of answers)
        assert.deepEqual(rows.get(String(headers['x-request-id'])), [count.parse(JSON.parse(body)).id])
    })

    test(`${mode}: every replica's connections are ${how}: a page view fails in time, certainly not counted`, {
      timeout,
    }, async () => {
      await using board = await startCounting(mode)
      for (const proxy of board.proxies) await cut(proxy)
      const first = await Promise.all([board.visit(board.cutOff), board.visit()])
      const later = await Promise.all([board.visit(board.cutOff), board.visit()])
      for (const { status, headers } of [...first, ...later])
        assert.deepEqual([status, headers['retry-after']], [503, '1'])
      for (const { body } of later) assert.equal(JSON.parse(body).error.code, 'counter_unavailable')
      for (const proxy of board.proxies) await proxy.restore()
      await eventually(async () => (await board.visit()).status === 200)
      const rows = await board.rowsByRequest()
      for (const { headers } of later) assert.equal(rows.get(String(headers['x-request-id'])), undefined)
    })
  }
