import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from './testing/request-fixture.ts'
import { type Board, startBoard, ways } from './testing/run-nginx.ts'
import { breakOff } from './testing/stub-replica.ts'

const timeout = 60_000

// The tests connect from 127.0.0.1: it is a trusted proxy where it is named, and a stranger where another is.
const strangerToAll = { trustedProxies: ['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'], replicas: 1 }
const trusted = { trustedProxies: ['127.0.0.1', '192.0.2.0/24'], replicas: 1 }

for (const way of ways) {
  test(`${way}: what a stranger says of itself is not believed`, { timeout }, async () => {
    await using board = await startBoard(way, strangerToAll)
    const headers = {
      'X-Forwarded-For': '203.0.113.7',
      'X-Forwarded-Proto': 'https',
      'X-Real-IP': '203.0.113.7',
      Forwarded: 'for=203.0.113.7;proto=https',
    }
    const { cookies } = await ask(board.port, '/', { headers })
    assert.deepEqual(seenBy(board), ['127.0.0.1', '127.0.0.1', 'http'])
    assert.equal(cookies[0]?.attributes.secure, undefined)
  })

  const chains: [string, string | string[], string][] = [
    ['its visitor', '203.0.113.7', '203.0.113.7'],
    ['a visitor with IPv6', '2001:db8::7', '2001:db8::7'],
    ['a visitor with a port', '203.0.113.7:4711', '203.0.113.7'],
    ['what the visitor wrote before it', '6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['another trusted proxy between', '6.6.6.6, 203.0.113.7, 192.0.2.10', '203.0.113.7'],
    ['a header a proxy', ['6.6.6.6', '203.0.113.7', '192.0.2.10'], '203.0.113.7'],
    ['what is no address', 'unknown', '127.0.0.1'],
    ['what is no address, behind another trusted proxy', '203.0.113.7, x, 192.0.2.10', '192.0.2.10'],
    ['nothing', '', '127.0.0.1'],
  ]
  for (const [name, forwarded, address] of chains)
    test(`${way}: a trusted proxy says ${name}`, { timeout }, async () => {
      await using board = await startBoard(way, trusted)
      await ask(board.port, '/', { headers: { 'X-Forwarded-For': forwarded } })
      assert.deepEqual(seenBy(board), [address, address, 'http'])
      const [line = ''] = await board.logged(1)
      assert.equal(JSON.parse(line).client, address)
    })

  test(`${way}: where a trusted proxy says HTTPS, it is`, { timeout }, async () => {
    await using board = await startBoard(way, trusted)
    const visitor = '203.0.113.7'
    const headers = { 'X-Forwarded-For': visitor, 'X-Forwarded-Proto': 'https', Host: 'board.example' }
    const view = await ask(board.port, '/', { headers })
    const forget = await ask(board.port, '/api/forget', { method: 'POST', headers })
    assert.deepEqual(seenBy(board), [visitor, visitor, 'https'])
    assert.equal(board.replicas[0]?.requests[0]?.headers['x-forwarded-port'], '443')
    assert.equal(view.headers['strict-transport-security'], undefined)
    for (const replica of board.replicas) replica.answer = breakOff
    const failed = await ask(board.port, '/', { headers })
    assert.equal(view.cookies.length, 1)
    assert.equal(forget.cookies.length, 1)
    for (const { attributes } of [...view.cookies, ...forget.cookies, ...failed.cookies])
      assert.equal(attributes.secure, '')
  })

  for (const scheme of ['http', 'https, http', 'http, https', 'ftp', ''])
    test(`${way}: a trusted proxy that says "${scheme}" does not say HTTPS`, { timeout }, async () => {
      await using board = await startBoard(way, trusted)
      const { cookies } = await ask(board.port, '/', { headers: { 'X-Forwarded-Proto': scheme } })
      assert.deepEqual(seenBy(board), ['127.0.0.1', '127.0.0.1', 'http'])
      assert.equal(cookies[0]?.attributes.secure, undefined)
    })

  test(`${way}: who came to a trusted proxy over HTTPS is not sent there again`, { timeout }, async () => {
    await using board = await startBoard(way, { ...trusted, tls: true })
    const secure = await ask(board.port, '/', { headers: { 'X-Forwarded-Proto': 'https' } })
    const plain = await ask(board.port, '/', { headers: { 'X-Forwarded-Proto': 'http' } })
    assert.deepEqual([secure.status, plain.status], [200, 308])
  })

  test(`${way}: each visitor of a trusted proxy has limits of its own`, { timeout }, async () => {
    await using board = await startBoard(way, trusted)
    const from = (visitor: string) => ask(board.port, '/', { headers: { 'X-Forwarded-For': visitor } })
    await untilLimited(() => from('203.0.113.7'))
    // As many as the limited one could not have by what its rate gives back meanwhile.
    const others = ['203.0.113.8', '203.0.113.7, 203.0.113.9', ''].flatMap(other =>
      Array<string>(50).fill(other),
    )
    for (const { status } of await Promise.all(others.map(from))) assert.equal(status, 200)
  })

  test(`${way}: a stranger cannot leave its limits by another name`, { timeout }, async () => {
    await using board = await startBoard(way, { ...strangerToAll, limitPrivate: true })
    let visitor = 0
    await untilLimited(() =>
      ask(board.port, '/', { headers: { 'X-Forwarded-For': `203.0.113.${visitor++ % 256}` } }),
    )
  })
}

/** X-Real-IP, X-Forwarded-For and X-Forwarded-Proto of the first request that reached the replica. */
function seenBy(board: Board): unknown[] {
  const seen = board.replicas[0]?.requests[0]?.headers ?? {}
  return [seen['x-real-ip'], seen['x-forwarded-for'], seen['x-forwarded-proto']]
}

/** More than burst and rate let through, however slowly they are asked. */
async function untilLimited(askOnce: () => Promise<{ status: number }>): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, askOnce))
    if (answers.some(({ status }) => status === 429)) return
  }
  throw new Error('never limited')
}
