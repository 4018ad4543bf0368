import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Arrival, History, LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import {
  commitsOf,
  movedLastMinute,
  percentagesOf,
  recentVisitors,
  startFlow,
  stepBetween,
  visitorRates,
  wholeCommits,
  withNext,
} from './flow.ts'
import {
  barHeight,
  branch,
  branchWidth,
  capsuleWidth,
  pointAfter,
  pointAt,
  reversed,
  straight,
  toLostServer,
  toOtherServer,
  trunkWidth,
} from './geometry.ts'
import { type Bar, barsOf, needsHistory, startMinute, withHits, withRows } from './minute.ts'

const start = Date.parse('2026-11-22T12:00:00.000Z')
const time = (second: number) => new Date(start + second * 1000).toISOString()

/** `servers`: rows by srv_id */
function board(
  second: number,
  counter: number,
  servers: Record<string, Partial<ServerRow>>,
  log: LogRow[] = [],
): Snapshot {
  const rows = Object.entries(servers).map(([srv_id, fields]) => sampleServerRow({ srv_id, ...fields }))
  return { counter, at: time(second), servers: rows, earlier_hits: 0, log }
}

const row = (id: number, srv_id: string, second: number, arrival: Arrival = 'new') =>
  sampleLogRow({ id, srv_id, at: time(second), arrival })

/** Rows with these numbers, newest first, one a second. */
const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, place) => row(to - place, 'a', to - place))

const allOf = (before: Snapshot, after: Snapshot) =>
  [...stepBetween(before, after).servers].map(([srvId, { all }]) => [srvId, all])

test('new hits are counted by server', () => {
  const before = board(0, 13, { a: { hits: 5 }, b: { hits: 7 }, c: { hits: 1 } })
  const after = board(1, 17, { a: { hits: 6 }, b: { hits: 7 }, c: { hits: 4 } })
  assert.deepEqual(allOf(before, after), [
    ['a', 1],
    ['c', 3],
  ])
})

test('all hits of a new server are new', () => {
  assert.deepEqual(allOf(board(0, 5, { a: { hits: 5 } }), board(1, 7, { a: { hits: 5 }, b: { hits: 2 } })), [
    ['b', 2],
  ])
})

test('the older hits of a server that comes back to the board are not new', () => {
  assert.deepEqual(
    allOf(board(0, 95, { a: { hits: 5 } }), board(1, 96, { a: { hits: 6 }, b: { hits: 90 } })),
    [['a', 1]],
  )
})

test('fewer hits than before are not movement', () => {
  assert.deepEqual(allOf(board(0, 5, { a: { hits: 5 } }), board(1, 6, { a: { hits: 3 } })), [])
})

test('a server that restarts under another id goes on', () => {
  assert.deepEqual(allOf(board(0, 5, { a: { id: 1, hits: 5 } }), board(1, 8, { a: { id: 2, hits: 8 } })), [
    ['a', 3],
  ])
})

test('two instances that claim one address are one server', () => {
  const twice = (hits: number, other: number, counter: number) => {
    const snapshot = board(counter, counter, { a: { id: 1, hits } })
    return {
      ...snapshot,
      servers: [...snapshot.servers, sampleServerRow({ srv_id: 'a', id: 2, hits: other })],
    }
  }
  assert.deepEqual(allOf(twice(100, 50, 150), twice(101, 50, 151)), [['a', 1]])
})

test('rows of one server with one time are one commit', () => {
  const log = [row(5, 'a', 2), row(4, 'a', 2), row(3, 'b', 2), row(2, 'a', 1)]
  assert.deepEqual(
    commitsOf(log).map(({ srv_id, hits }) => [srv_id, hits]),
    [
      ['a', 2],
      ['b', 1],
      ['a', 1],
    ],
  )
})

test('the oldest commit of a full log may be cut, so it is left out', () => {
  const log = Array.from({ length: 50 }, (_, place) => row(50 - place, 'a', place < 20 ? 2 : 1))
  assert.deepEqual(
    wholeCommits(log, 24).map(({ hits }) => hits),
    [20],
  )
  assert.equal(wholeCommits(log.slice(0, 49), 24).length, 2)
})

test('in the HTML the newest visits say how many have a cookie', () => {
  const log = [
    row(4, 'a', 3, 'moved'),
    row(3, 'a', 2, 'returning'),
    row(2, 'a', 2, 'returning'),
    row(1, 'a', 1),
  ]
  const visitors = recentVisitors(startFlow(board(5, 4, {}, log)))
  assert.deepEqual(visitors, { cookie: 3, none: 1, over: { visits: 4 } })
  assert.deepEqual(percentagesOf(visitors), { cookie: 75, none: 25 })
  assert.equal(percentagesOf(recentVisitors(startFlow(board(5, 0, {})))), null)
})

const counted = (hits: number) => ({
  a: { hits, new_hits: hits / 4, returning_hits: hits / 2, moved_hits: hits / 4, rate: 30 },
})

test('under load those of the last six seconds say it', () => {
  let flow = startFlow(board(0, 0, counted(0), rows(1, 50)))
  for (let second = 1; second <= 10; second++) {
    const log = Array.from({ length: 50 }, (_, place) => row(second * 100 - place, 'a', second - place / 100))
    flow = withNext(flow, board(second, second * 100, counted(second * 100), log))
    if (second < 6) assert.deepEqual(recentVisitors(flow).over, { visits: 50 })
  }
  assert.deepEqual(recentVisitors(flow), { cookie: 450, none: 150, over: { seconds: 6 } })
  assert.deepEqual(visitorRates(flow), { cookie: 75, none: 25 })
  assert.equal(movedLastMinute(flow), 250)
})

test('few visits are counted in the log, exactly', () => {
  const log = [row(3, 'a', 30, 'returning'), row(2, 'a', 25), row(1, 'a', 10)]
  assert.deepEqual(visitorRates(startFlow(board(31, 3, {}, log))), { cookie: 1 / 6, none: 1 / 6 })
})

test('a page that opens under load takes the servers’ rates', () => {
  const log = Array.from({ length: 50 }, (_, place) =>
    row(50 - place, 'a', 5, place < 10 ? 'new' : 'returning'),
  )
  assert.deepEqual(visitorRates(startFlow(board(5, 50, counted(100), log))), { cookie: 24, none: 6 })
})

test('moved visits count for a minute, also those from before the page opened', () => {
  const flow = startFlow(board(30, 1, {}, [row(1, 'a', 10, 'moved')]))
  assert.equal(movedLastMinute(flow), 1)
  const next = withNext(flow, board(69, 2, {}, [row(2, 'a', 68, 'moved'), row(1, 'a', 10, 'moved')]))
  assert.equal(movedLastMinute(next), 2)
  assert.equal(movedLastMinute(withNext(next, board(80, 2, {}))), 1)
})

/** Under load: the log has only a part of the visits. Returns the flow after snapshots at these seconds, of so many visits. */
function underLoad(visits: Record<number, number>) {
  const snapshots = Object.entries(visits).map(([second, hits]) => {
    const log = Array.from({ length: 50 }, (_, place) => row(hits - place, 'a', Number(second)))
    return board(Number(second), hits, counted(hits), log)
  })
  const [first, ...others] = snapshots
  assert.ok(first)
  return others.reduce(withNext, startFlow(first))
}

test('what came while a tab was hidden is not of the last minute', () => {
  const flow = underLoad({ 0: 400, 1: 800, 3600: 900_000 })
  assert.equal(movedLastMinute(flow), 0)
  assert.deepEqual(
    visitorRates(flow),
    { cookie: 0, none: 30 },
    'as the servers report, divided as the log is',
  )
  const moved = [row(7, 'a', 3590, 'moved'), row(6, 'a', 3000, 'moved')]
  const quiet = withNext(startFlow(board(0, 5, {})), board(3600, 7, {}, moved))
  assert.equal(movedLastMinute(quiet), 1, 'the log knows when')
})

test('a shorter gap counts while all of it is in the last minute, and makes no rate', () => {
  const before = { 0: 400, 1: 800, 3: 1600 }
  const flow = underLoad({ ...before, 15: 4000, 16: 4000 })
  assert.equal(movedLastMinute(flow), 900)
  assert.deepEqual(visitorRates(flow), { cookie: 0, none: 30 })
  assert.deepEqual(recentVisitors(flow).over, { visits: 50 })
  const steps = Object.fromEntries([20, 25, 30, 35, 40, 45, 50, 55, 60].map(second => [second, 4000]))
  assert.equal(movedLastMinute(underLoad({ ...before, 15: 4000, ...steps, 63: 4400 })), 100)
  const slow = underLoad({ ...before, 8: 2600, 9: 2800 })
  assert.deepEqual(visitorRates(slow), { cookie: 150, none: 50 }, 'a slow snapshot is no gap')
})

test('a counter or clock that is set back starts over', () => {
  const flow = startFlow(board(10, 9, { a: { hits: 9 } }))
  assert.equal(withNext(flow, board(11, 4, { a: { hits: 4 } })).step.servers.size, 0)
  assert.equal(withNext(flow, board(9, 10, { a: { hits: 10 } })).step.servers.size, 0)
})

const fork = { x: 140, y: 50 }
const card = { x: 300, y: 10 }
const horizontal = branch(fork, card, false)
const vertical = branch({ x: 20, y: 60 }, { x: 40, y: 200 }, true)

test('a branch starts at NGINX and ends at the server', () => {
  for (const curve of [horizontal, vertical]) {
    assert.deepEqual(pointAt(curve, 0), curve[0])
    assert.deepEqual(pointAt(curve, 1), curve[3])
    assert.deepEqual(pointAt(reversed(curve), 1), curve[0])
  }
})

test('a straight line is even', () => {
  assert.deepEqual(pointAt(straight({ x: 0, y: 0 }, { x: 90, y: 30 }), 0.5), { x: 45, y: 15 })
})

test('a horizontal branch leaves NGINX level, a vertical one downwards', () => {
  const level = pointAt(horizontal, 0.05)
  assert.ok(Math.abs(level.y - 50) < Math.abs(level.x - 140))
  const down = pointAt(vertical, 0.1)
  assert.ok(down.y - 60 > 5 * (down.x - 20))
})

test('a dot is fast at first, and arrives when its time is over', () => {
  assert.deepEqual(pointAfter(horizontal, 0), fork)
  assert.deepEqual(pointAfter(horizontal, 0.5), pointAt(horizontal, 0.75))
  assert.deepEqual(pointAfter(horizontal, 1), card)
})

test('a moved visit stops before the lost server’s card, goes back, and reaches the other', () => {
  for (const isVertical of [false, true]) {
    const visits = branch(fork, { x: 300, y: 90 }, isVertical)
    const lost = toLostServer(visits, isVertical)
    const other = branch(fork, card, isVertical)
    const bend = toOtherServer(lost, other, isVertical)
    assert.deepEqual(lost[3], { x: 288, y: 90 })
    assert.deepEqual([bend[0], bend[3]], [lost[3], card])
    assert.ok(pointAt(bend, 0.5).x < 288)
  }
})

test('more hits make a longer commit, up to a limit', () => {
  assert.ok(capsuleWidth(4) > capsuleWidth(1))
  assert.equal(capsuleWidth(1e6), capsuleWidth(1000))
})

test('a small bar stays visible beside a far higher one', () => {
  assert.deepEqual(
    [1, 20, 400].map(hits => barHeight(hits, 400, 32)),
    [2, 2, 32],
  )
  assert.equal(barHeight(2, 4, 32), 16)
})

test('more traffic makes a wider line, up to a limit', () => {
  const widths = [0, 1, 10, 100, 1000, 100_000].map(trunkWidth)
  assert.deepEqual(
    widths,
    widths.toSorted((a, b) => a - b),
  )
  assert.equal(trunkWidth(0), 1)
  assert.equal(trunkWidth(1e9), 16)
})

test('the branches divide the trunk as the traffic is divided', () => {
  const [a, b] = [branchWidth(75, 100), branchWidth(25, 100)]
  assert.ok(Math.abs(a + b - trunkWidth(100)) < 1e-9)
  assert.ok(Math.abs(a - 3 * b) < 1e-9)
})

test('a branch without traffic is still visible', () => {
  assert.equal(branchWidth(0, 100), 1)
  assert.equal(branchWidth(0, 0), 1)
})

const ms = (second: number) => start + second * 1000
const visit = (second: number, srv_id = 'a') => sampleLogRow({ srv_id, at: time(second) })

const plain = (bars: Bar[]) => bars.map(({ start, width, hitsPerSecond }) => [start, width, hitsPerSecond])
const bars = (minute: ReturnType<typeof startMinute>, second: number, history?: History, srvId = 'a') =>
  plain(barsOf(minute, srvId, history, ms(second)))

test('each hit of the log is in its second', () => {
  const minute = startMinute([visit(30.2), visit(29.9), visit(29.1)], true, ms(30.5))
  assert.deepEqual(bars(minute, 30.5), [
    [58, 1, 2],
    [59, 1, 1],
  ])
  assert.deepEqual(bars(minute, 30.5, undefined, 'b'), [])
  assert.deepEqual(bars(withRows(minute, [visit(31.9)], ms(32)), 32), [
    [56, 1, 2],
    [57, 1, 1],
    [58, 1, 1],
  ])
})

test('a hit leaves the bars after a minute', () => {
  const minute = startMinute([visit(0)], true, ms(0))
  assert.deepEqual(bars(withRows(minute, [], ms(59)), 59), [[0, 1, 1]])
  assert.deepEqual(bars(withRows(minute, [], ms(60)), 60), [])
})

test('hits that the log does not have are spread over the time between the snapshots', () => {
  const minute = withHits(startMinute([], true, ms(10.5)), [['a', { all: 100 }]], ms(10.5), ms(11.5))
  assert.deepEqual(bars(minute, 11.5), [
    [58, 1, 50],
    [59, 1, 50],
  ])
})

test('hits between two snapshots of the same millisecond are in its second', () => {
  const minute = withHits(startMinute([], true, ms(10)), [['a', { all: 100 }]], ms(10), ms(10))
  assert.deepEqual(bars(minute, 10), [[59, 1, 100]])
})

/** Buckets of five seconds from second 0 on. */
function history(readAt: number, hits: number[]): History {
  const times = hits.map((_, place) => time(place * 5))
  const servers = [{ id: 1, srv_id: 'a', name: 'web-1', hits }]
  return { range: '5m', at: time(readAt), bucket_seconds: 5, times, servers, events: [], downs: [] }
}

test('seconds before the first known one are bars as wide as the history’s buckets', () => {
  // The log is too short: second 62 is known in part.
  const minute = withHits(startMinute([visit(62.9)], false, ms(63)), [['a', { all: 8 }]], ms(63), ms(65))
  assert.equal(needsHistory(minute, ms(65)), true)
  const buckets = [50, 60, 70, 0, 0, 0, 0, 0, 0, 0, 0, 100, 38]
  // 5 to 9 has only its last four seconds in the minute; 60 to 64 has eight hits in known seconds, 63 and 64.
  assert.deepEqual(bars(minute, 65.9, history(66, buckets)), [
    [0, 4, 12],
    [4, 5, 14],
    [49, 5, 20],
    [54, 3, 10],
    [57, 1, 4],
    [58, 1, 4],
  ])
})

test('a bucket that is not complete yet makes no bar', () => {
  const minute = startMinute([visit(12.9)], false, ms(13))
  assert.deepEqual(bars(minute, 13.5, history(13.4, [10, 20, 30])), [
    [46, 5, 2],
    [51, 5, 4],
  ])
})

test('after a minute the history is not needed, and after a long gap it is', () => {
  const minute = startMinute([visit(0)], false, ms(0.5))
  assert.equal(needsHistory(minute, ms(59)), true)
  assert.equal(needsHistory(minute, ms(60)), false)
  const gap = withHits(minute, [['a', { all: 900 }]], ms(60), ms(90))
  assert.equal(needsHistory(gap, ms(90)), true)
  assert.deepEqual(bars(gap, 90), [])
})
