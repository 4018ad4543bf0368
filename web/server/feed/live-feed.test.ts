import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import type { FiringAlert, LogRow, Snapshot } from '../../shared/api.ts'
import { sampleBoardServer, sampleLogRow } from '../../testing/samples.ts'
import type { BoardServer } from '../db/server-state.ts'
import { acceptsGzip } from '../http/request.ts'
import { Board, toSnapshot } from './board.ts'
import { gzip, type LiveEvent, LiveFeed, plain, StreamGroup } from './live-feed.ts'

const timeout = 20_000

/** A feed on a database that can become unavailable and come back. */
async function serveFeed(t: TestContext) {
  const database = { counter: 3, away: false, log: [] as LogRow[], servers: [] as BoardServer[] }
  const alerts = { current: null as FiringAlert[] | null }
  const board = new Board(async () => {
    if (database.away) throw new Error('away')
    const { counter, log, servers } = database
    const at = '2026-11-22T12:00:00.000Z'
    return { counter, totalHits: counter, at, servers, log, afterAt: log[0]?.at ?? null }
  }, alerts)
  const feed = new LiveFeed(board)
  const server = await startStubServer((request, response) => {
    feed.open(response, acceptsGzip(request)).catch(() => response.writeHead(503).end())
  })
  t.after(async () => {
    feed.close()
    await server[Symbol.asyncDispose]()
  })
  return { database, alerts, board, feed, url: `${server.url}/` }
}

/** Reads a stream event by event. */
async function listen(url: string, encoding = 'gzip') {
  const answer = await fetch(url, { headers: { 'Accept-Encoding': encoding } })
  assert.equal(answer.headers.get('Content-Encoding') ?? 'identity', encoding)
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ''
  return async (): Promise<{ event: string; data: Partial<Snapshot> & { since?: string } }> => {
    while (!heard.includes('\n\n')) {
      const { value, done } = (await reader?.read()) ?? { done: true }
      if (done) throw new Error('the stream ended')
      heard += value
    }
    const end = heard.indexOf('\n\n')
    const [event = '', data = ''] = heard.slice(0, end).split('\n')
    heard = heard.slice(end + 2)
    return { event: event.replace('event: ', ''), data: JSON.parse(data.replace('data: ', '')) }
  }
}

test('an alert is news, and so is its end, though no visit came', { timeout }, async t => {
  const { alerts, url } = await serveFeed(t)
  const next = await listen(url)
  assert.equal((await next()).data.alerts, undefined)
  const firing = [{ name: 'ReplicaLost', summary: '', since: '2026-11-22T12:00:00.000Z' }]
  alerts.current = firing
  assert.deepEqual((await next()).data.alerts, firing)
  alerts.current = []
  const end = await next()
  assert.deepEqual([end.event, end.data.alerts], ['change', []])
})

test('a server that falls silent, is lost, comes back or restarts is news before the next keep-alive', {
  timeout,
}, async t => {
  const { database, feed, url } = await serveFeed(t)
  database.servers = [sampleBoardServer()]
  const next = await listen(url)
  await next()
  await next()
  const seen = (lastSeenAt: string, more: Partial<BoardServer> = {}) => [
    sampleBoardServer({ lastSeenAt, ...more }),
  ]
  for (const servers of [
    seen('2026-11-22T11:59:56.500Z'),
    seen('2026-11-22T11:59:53.000Z', { silentMs: 7000 }),
    seen('2026-11-22T11:59:59.000Z'),
    seen('2026-11-22T11:59:59.000Z', { draining: true }),
    seen('2026-11-22T11:59:59.000Z', { id: 2, ready: false }),
    [],
  ]) {
    // What was sent last was a keep-alive or news: the next keep-alive is seven readings away.
    const { ticks } = feed
    database.servers = servers
    const { data } = await next()
    assert.deepEqual(
      data.servers?.map(({ id, last_seen_at }) => [id, last_seen_at]),
      servers.map(({ id, lastSeenAt }) => [id, lastSeenAt]),
    )
    assert.ok(feed.ticks - ticks <= 3, `${feed.ticks - ticks} readings later`)
  }
})

test('a stream begins with the board as it is', { timeout }, async t => {
  const { url } = await serveFeed(t)
  const next = await listen(url)
  const { event, data } = await next()
  assert.deepEqual([event, data.counter], ['snapshot', 3])
})

test('without the database it begins with the last board, and comes alive by itself', {
  timeout,
}, async t => {
  const { database, board, url } = await serveFeed(t)
  await board.refresh()
  database.away = true
  t.mock.method(board, 'noOlderThan', () => board.refresh())
  const next = await listen(url)
  const [first, second] = [await next(), await next()]
  assert.deepEqual([first.event, first.data.counter], ['snapshot', 3])
  assert.deepEqual(second, { event: 'trouble', data: { since: '2026-11-22T12:00:00.000Z' } })
  Object.assign(database, { away: false, counter: 4 })
  let change = await next()
  while (change.event === 'trouble') change = await next()
  assert.deepEqual([change.event, change.data.counter], ['change', 4])
})

test('a new stream does not get an outage that is over', { timeout }, async t => {
  const { database, board, url } = await serveFeed(t)
  await board.refresh()
  database.away = true
  t.mock.method(board, 'noOlderThan', () => board.refresh())
  const during = await listen(url)
  await during()
  assert.equal((await during()).event, 'trouble')
  database.away = false
  const later = await listen(url)
  assert.equal((await later()).event, 'snapshot')
  assert.equal((await later()).event, 'change')
})

test('where nothing was ever read there is no stream', { timeout }, async t => {
  const { database, url } = await serveFeed(t)
  database.away = true
  assert.equal((await fetch(url)).status, 503)
})

test('after numbers went back, all streams get the whole board, then changes', { timeout }, async t => {
  const { database, url } = await serveFeed(t)
  const row = (id: number, at: string): LogRow[] => [sampleLogRow({ id, at })]
  Object.assign(database, { counter: 9, log: row(9, '2026-11-22T12:00:00.000Z') })
  const next = await listen(url)
  await next()
  while ((await next()).data.counter !== 9);
  Object.assign(database, { counter: 4, log: row(4, '2026-11-22T11:00:00.000Z') })
  let news = await next()
  while (news.data.counter === 9) news = await next()
  assert.deepEqual([news.event, news.data.counter, news.data.log?.[0]?.id], ['snapshot', 4, 4])
})

for (const encoding of ['gzip', 'identity']) {
  test(`${encoding}: streams that started at different times get the same events`, { timeout }, async t => {
    const { database, url } = await serveFeed(t)
    const first = await listen(url, encoding)
    await first()
    database.counter = 4
    assert.equal((await first()).data.counter, 4)
    const second = await listen(url, encoding)
    assert.equal((await second()).data.counter, 4)
    database.counter = 5
    for (const next of [first, second]) {
      let news = await next()
      while (news.data.counter === 4) news = await next()
      assert.deepEqual([news.event, news.data.counter], ['change', 5])
    }
  })
}

const emptySnapshot: Snapshot = { counter: 0, at: '', servers: [], earlier_hits: 0, log: [] }
const change = (counter: number): LiveEvent => ['change', { ...emptySnapshot, counter }]

const whole: LiveEvent[] = [['snapshot', { ...emptySnapshot, counter: 9 }]]

/** A group of `count` streams, and what each received. */
function gather(count: number) {
  const encoded: LiveEvent[] = []
  const clock = { now: 0 }
  const coding = {
    ...plain,
    encode(event: LiveEvent) {
      encoded.push(event)
      return plain.encode(event)
    },
  }
  const audience = new StreamGroup(coding, () => clock.now)
  const streams = Array.from({ length: count }, () => join(audience))
  return { audience, streams, encoded, clock }
}

function join(audience: StreamGroup) {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const received: string[] = []
  response.write = (piece: unknown) => received.push(String(piece)) > 0
  // Bytes that the client has not read yet.
  let waiting = 0
  Object.defineProperty(response, 'writableLength', { get: () => waiting })
  const setWaiting = (bytes: number) => {
    waiting = bytes
  }
  audience.add(response, [['snapshot', emptySnapshot]])
  return { response, received, setWaiting }
}

test('an event is encoded once for all, and so is the board that all begin with', async () => {
  const { audience, streams, encoded } = gather(250)
  await audience.send(change(1), whole)
  assert.equal(encoded.length, 2)
  assert.ok(streams.every(({ received }) => received.length === 2 && received[1] === streams[0]?.received[1]))
})

test('while many streams are written to, other work of the process runs', async () => {
  const { audience, streams } = gather(1000)
  const sending = audience.send(change(1), whole)
  const waiting = () => streams.filter(stream => stream.received.length === 1).length
  const { promise: turn, resolve } = Promise.withResolvers<number>()
  setImmediate(() => resolve(waiting()))
  assert.ok((await turn) > 0)
  await sending
  assert.equal(waiting(), 0)
})

test('a stream that starts or ends meanwhile gets nothing', async () => {
  const { audience, streams } = gather(1000)
  const sending = audience.send(change(1), whole)
  const late = join(audience)
  const gone = streams.at(-1)
  gone?.response.emit('close')
  await sending
  assert.deepEqual([late.received.length, gone?.received.length], [1, 1])
})

test('a client that does not take what it was sent misses events, and then gets the whole board', async () => {
  const { audience, streams, clock } = gather(2)
  const [slow, quick] = streams
  slow?.setWaiting(1)
  await audience.send(change(1), whole)
  clock.now += 9999
  await audience.send(change(2), whole)
  assert.equal(slow?.received.length, 1)
  slow?.setWaiting(0)
  await audience.send(change(3), whole)
  await audience.send(change(4), whole)
  assert.deepEqual(
    slow?.received.slice(1).map(text => /"counter":(\d)/.exec(text)?.[1]),
    ['9', '4'],
  )
  assert.equal(quick?.received.length, 5)
})

test('a client that reads nothing for ten seconds is disconnected, and no other', async () => {
  const { audience, streams, clock } = gather(3)
  const [stuck, late] = streams
  stuck?.setWaiting(1)
  await audience.send(change(1), whole)
  clock.now += 9000
  late?.setWaiting(1)
  await audience.send(change(2), whole)
  clock.now += 1000
  await audience.send(change(3), whole)
  assert.deepEqual(
    streams.map(({ response }) => response.destroyed),
    [true, false, false],
  )
})

for (const count of [3, 10]) {
  test(`an update of ${count} servers is hardly larger than one without arrivals, commits and restarts`, t => {
    const counter = 48_231
    const servers = Array.from({ length: count }, (_, index) =>
      busyServer(index, Math.floor(counter / count)),
    )
    const log = servers
      .slice(0, 3)
      .map(({ srvId, name }, index) => sampleLogRow({ id: counter - index, srv_id: srvId, server: name }))
    const update = toSnapshot({ counter, totalHits: counter, at: busyAt(900), servers }, log)
    const before = {
      ...update,
      servers: update.servers.map((row, index) => {
        const { new_hits, returning_hits, moved_hits, commits, restarted_at, restart, ...rest } = row
        // They were not rounded either.
        const { rate, p50Ms, p99Ms } = servers[index] ?? assert.fail()
        return { ...rest, share: row.hits / counter, rate, p50_ms: p50Ms, p99_ms: p99Ms }
      }),
    }
    for (const [name, coding] of Object.entries({ plain, gzip })) {
      const bytes = (data: object) => coding.encode(['change', data as Snapshot]).length
      t.diagnostic(`${name}: ${bytes(before)} bytes without, ${bytes(update)} with them`)
      assert.ok(bytes(update) <= 1.2 * bytes(before), name)
    }
  })
}

const busyAt = (seconds: number) => new Date(Date.UTC(2026, 10, 26, 12, 0, 0, seconds * 1001)).toISOString()

/** A server as under load, with figures of the usual length. */
function busyServer(index: number, hits: number) {
  const [newHits, movedHits] = [Math.floor(hits * 0.27) + index, 12 + index]
  return sampleBoardServer({
    id: 12 + index,
    srvId: createHash('md5')
      .update(`172.18.0.${3 + index}:3000`)
      .digest('hex'),
    name: `web-${index + 1}`,
    address: `172.18.0.${3 + index}:3000`,
    own: {
      hits,
      newHits,
      returningHits: hits - newHits - movedHits,
      movedHits,
      commits: Math.floor(hits / 1.4) - index,
    },
    startedAt: busyAt(index * 17),
    lastSeenAt: busyAt(898 + index / 7),
    rate: (31 + index * 7) / 3,
    p50Ms: 1.372_81 + index * 0.312_3,
    p99Ms: 7.923_123_1 + index * 1.13,
    streams: 2 + index,
    memoryBytes: 183_123_968 + index * 1_237_123,
  })
}
