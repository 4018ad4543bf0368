import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBenchOptions, parsePageOptions } from './options.ts'
import { markdownTable } from './report.ts'
import { findFaults, isExact, median, type Run, ratiosOf, summarise } from './rounds.ts'
import { idleSeconds, ownUsage, parseUsage } from './usage.ts'

test('the short form measures less of everything', () => {
  const { extent: full } = parseBenchOptions([])
  const { extent: short, json } = parseBenchOptions(['--json', '--short'])
  assert.ok(json)
  assert.ok(short.rounds * short.seconds < full.rounds * full.seconds)
  assert.ok(short.dashboards < full.dashboards && short.targetSeconds < full.targetSeconds)
})

test('an unknown option is refused', () => {
  assert.throws(() => parseBenchOptions(['--shrot']), /shrot/)
})

test('the defaults are a minute each, with three servers and with ten', () => {
  assert.deepEqual(parsePageOptions([]), { seconds: 60, replicas: [3, 10], json: false })
  assert.deepEqual(parsePageOptions(['--seconds', '5', '--replicas', '2', '--json']), {
    seconds: 5,
    replicas: [2],
    json: true,
  })
})

test('an invalid option is refused', () => {
  for (const args of [['--seconds', '0'], ['--seconds', 'long'], ['--replicas', '3,many'], ['--fast']]) {
    assert.throws(() => parsePageOptions(args))
  }
})

test('columns are as wide as their widest cell, the first left-aligned and the others right-aligned', () => {
  assert.equal(
    markdownTable(
      ['what', 'ms'],
      [
        ['the board', '12.5'],
        ['limit', '9'],
      ],
    ),
    ['| what      |   ms |', '| --------- | ---: |', '| the board | 12.5 |', '| limit     |    9 |'].join(
      '\n',
    ),
  )
})

test('processor time is user plus system time, and memory is counted in pages', () => {
  const stat =
    '4711 (a (odd) name) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 50 7 7 20 0 11 0 9000 1000000 2048 18446744073709551615'
  assert.deepEqual(parseUsage(stat, { tick: 0.01, page: 4096 }), { cpuSeconds: 3, bytes: 2048 * 4096 })
})

test('user and system time are added, for any process name', () => {
  const ticksOf = (stat: string) => parseUsage(stat, { tick: 1, page: 1 }).cpuSeconds
  const rest = 'S 1 42 42 0 -1 4194560 900 0 3 0 120 34 0 0 20 0 9 0 777 1000 200'
  assert.equal(ticksOf(`42 (chromium) ${rest}`), 154)
  assert.equal(ticksOf(`42 (a) (b c) ${rest}`), 154)
})

test('the time of ended children counts as this process’s, and waiting for the disk as idle', () => {
  const stat = '4711 (node) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 50 7 3 20 0 11 0 9000 1000000 2048'
  assert.deepEqual(ownUsage(stat, { tick: 0.01, page: 4096 }), { self: 3, children: 0.1 })
  const all = 'cpu  4248769 522213 2029492 2874 501 0 128899 7483 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n'
  assert.equal(idleSeconds(all, { tick: 0.01, page: 4096 }), 33.75)
})

/** A successful run */
const run = (rate: number, more: Partial<Run> = {}): Run => ({
  rate,
  answers: rate,
  p50Ms: 1,
  p99Ms: 2,
  errors: 0,
  bytesEach: 100,
  cores: { servers: 1, nginx: 0.2, database: 0.3 },
  load: { seconds: 1, client: 0.1, idle: 0 },
  bytes: 1e8,
  exact: true,
  ...more,
})

const counted = { from: 100, counter: 1100, consistent: true }
const seen = { answers: 1000, errors: 0 }

test('a count equal to the answers, or above them by what was in flight at the end, is exact', () => {
  assert.ok(isExact(counted, seen, 64))
  assert.ok(isExact({ ...counted, counter: 1164 }, seen, 64))
})

test('a count that misses one answer is not exact', () => {
  assert.ok(!isExact({ ...counted, counter: 1099 }, seen, 64))
})

test('a count above the answers and all connections is not exact', () => {
  assert.ok(!isExact({ ...counted, counter: 1165 }, seen, 64))
})

test('a failed page view may be counted or not', () => {
  assert.ok(isExact({ ...counted, counter: 1090 }, { answers: 1000, errors: 10 }, 64))
  assert.ok(isExact({ ...counted, counter: 1110 }, { answers: 1000, errors: 10 }, 0))
})

test('a log that differs from the counter is not exact', () => {
  assert.ok(!isExact({ ...counted, consistent: false }, seen, 64))
})

test('rates have a median, a lowest and a highest, and errors of all rounds add up', () => {
  const { page_views_per_second, errors } = summarise('board', [
    run(30, { errors: 1 }),
    run(10),
    run(20, { errors: 2 }),
  ])
  assert.deepEqual(page_views_per_second, { median: 20, lowest: 10, highest: 30 })
  assert.equal(errors, 3)
})

test('one inexact round makes the summary inexact, and an entry that counts nothing is neither', () => {
  assert.equal(summarise('board', [run(1), run(1, { exact: false })]).exact, false)
  assert.equal(summarise('board', [run(1), run(1)]).exact, true)
  assert.equal(summarise('static_file', [run(1, { exact: null })]).exact, null)
})

test("ratios divide the board's rate by another's", () => {
  const summaries = [
    summarise('board', [run(4000)]),
    summarise('flask', [run(500)]),
    summarise('naive_next', [run(100)]),
    summarise('limit', [run(5000)]),
  ]
  assert.deepEqual(ratiosOf(summaries), { flask_seed: 8, naive_next: 40, limit: 0.8 })
})

test('a ratio to an entry that was not measured is refused', () => {
  assert.throws(() => ratiosOf([summarise('board', [run(1)])]), /was not measured/)
})

test('a comparison in which all answered and counted is valid, also with a few errors', () => {
  const file = summarise('static_file', [run(9, { exact: null })])
  assert.deepEqual(findFaults([summarise('board', [run(9, { errors: 2 })]), file]), [])
})

test('a contender that only answered errors, and one that lost a page view, are named', () => {
  const broken = summarise('flask', [run(9, { errors: 9 })])
  const inexact = summarise('limit', [run(9), run(9, { exact: false })])
  assert.deepEqual(findFaults([broken, inexact]), [
    'flask answered no page view',
    'limit did not count every page view once',
  ])
})

test('the median of an odd number of values is the middle one, in any order', () => {
  assert.equal(median([9, 1, 100]), 9)
  assert.equal(median([7]), 7)
})

test('the median of an even number of values is the mean of the middle two', () => {
  assert.equal(median([4, 1, 100, 2]), 3)
})

test('the median compares numbers, not strings', () => {
  assert.equal(median([10, 9, 8]), 9)
})

test('an empty list has no median', () => {
  assert.throws(() => median([]))
})
