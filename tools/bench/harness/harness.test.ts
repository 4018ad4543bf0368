import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { startStubServer } from '../../lib/testing.ts'
import { findAssets, parseResult, parseSample, percentile, serialiseSample, visitSteadily } from './load.ts'
import { parseBenchOptions, parseGrowthOptions, parsePageOptions } from './options.ts'
import { linearScale, logScale, markdownTable, plotSvg } from './report.ts'
import { findFaults, isExact, median, type Run, ratiosOf, replicaRatios, summarise } from './rounds.ts'
import { idleSeconds, ownUsage, parseUsage, readThreadSeconds } from './usage.ts'

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

test('growth: all parts by default, or those that are named', () => {
  const parts = ['replicas', 'log-rows']
  assert.deepEqual({ ...parseGrowthOptions([], parts) }, { json: false, short: false, only: parts })
  const { json, only } = parseGrowthOptions(['--only', 'replicas', '--json'], parts)
  assert.deepEqual([json, only], [true, ['replicas']])
  assert.throws(
    () => parseGrowthOptions(['--only', 'rows'], parts),
    /unknown name rows; the names are replicas, log-rows/,
  )
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

/** A thread of this name that has used the processor for at least 50 ms, and waits now */
async function startBusyThread(name: string): Promise<void> {
  const thread = new Worker(
    `const { parentPort } = require('node:worker_threads')
     while (process.threadCpuUsage().user < 50_000);
     parentPort.postMessage('worked')
     setInterval(() => {}, 1000)`,
    { eval: true, name },
  )
  await once(thread, 'message')
  thread.unref()
}

test('processor time of a thread is found by its name, which only it has', {
  skip: process.platform !== 'linux',
}, async () => {
  await startBusyThread('works')
  const { user, system } = process.cpuUsage()
  const seconds = readThreadSeconds(process.pid, 'works')
  assert.ok(seconds >= 0.05 && seconds < (user + system) / 1e6 + 1, `${seconds} s`)
  assert.throws(() => readThreadSeconds(process.pid, 'other'), /has no threads with the name other/)
  await startBusyThread('works')
  assert.throws(() => readThreadSeconds(process.pid, 'works'), /has 2 threads with the name works/)
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

test('growth by replicas is the rate with three and with eight divided by the rate with one, of the board and of the limit', () => {
  const rates = (replicas: number, board: number, limit: number) => ({
    replicas,
    page_views_per_second: board,
    limit: { page_views_per_second: limit },
  })
  const steps = [rates(1, 6000, 8000), rates(2, 5500, 7000), rates(3, 4500, 6500), rates(8, 2000, 4000)]
  assert.deepEqual(replicaRatios(steps), {
    three_of_one: 0.75,
    eight_of_one: 0.33,
    limit_three_of_one: 0.81,
    limit_eight_of_one: 0.5,
  })
})

test('growth by replicas has no ratio to a number of replicas that was not measured', () => {
  const none = { three_of_one: null, eight_of_one: null, limit_three_of_one: null, limit_eight_of_one: null }
  const short = [1, 2].map(replicas => ({
    replicas,
    page_views_per_second: 9,
    limit: { page_views_per_second: 9 },
  }))
  assert.deepEqual(replicaRatios(short), none)
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

const result = {
  answers: 8000,
  microseconds: 2_000_000,
  bytes: 80_000_000,
  status: 3,
  connect: 1,
  read: 0,
  write: 0,
  timeout: 2,
  p50: 1500,
  p99: 12_250,
}
const around = (line: string) =>
  `Running 2s test @ http://127.0.0.1:1/\n  1 threads\n${line}\nRequests/sec: 4000.00\n`

test("the JSON line in wrk's output is parsed to answers per second and ms", () => {
  assert.deepEqual(parseResult(around(JSON.stringify(result))), {
    rate: 3998.5,
    answers: 8000,
    p50Ms: 1.5,
    p99Ms: 12.25,
    errors: 6,
    bytesEach: 10_000,
  })
})

test('errors count as answers but not as page views', () => {
  const { rate, answers } = parseResult(around(JSON.stringify({ ...result, status: result.answers })))
  assert.deepEqual({ rate, answers }, { rate: 0, answers: 8000 })
})

test('a run without any answer is a valid result', () => {
  const { rate, bytesEach } = parseResult(
    around(JSON.stringify({ ...result, answers: 0, status: 0, bytes: 0 })),
  )
  assert.deepEqual({ rate, bytesEach }, { rate: 0, bytesEach: 0 })
})

test('output without a result is refused', () => {
  assert.throws(() => parseResult('unable to connect to 127.0.0.1:1\n'), /wrk printed no result/)
})

const { signal } = new AbortController()

test('the given number of page views is sent, and answers other than 200 are errors', {
  timeout: 30_000,
}, async () => {
  let seen = 0
  await using server = await startStubServer((_request, response) => {
    response.writeHead(++seen % 2 === 0 ? 503 : 200).end('answer')
  })
  const { started, errors } = await visitSteadily(server.url, { perSecond: 100, seconds: 0.2 }, signal)
  assert.deepEqual({ started, errors, seen }, { started: 20, errors: 10, seen: 20 })
})

test('page views go on while none is answered', { timeout: 30_000 }, async () => {
  const { promise: all, resolve: allAsked } = Promise.withResolvers<void>()
  let asked = 0
  await using server = await startStubServer(async (_request, response) => {
    if (++asked === 10) allAsked()
    await all
    response.end('answer')
  })
  const { errors } = await visitSteadily(server.url, { perSecond: 100, seconds: 0.1 }, signal)
  assert.equal(errors, 0)
})

const hundred = Array.from({ length: 100 }, (_, index) => index + 1)

test('the 99th of a hundred is the second highest', () => {
  assert.equal(percentile(hundred, 99), 99)
  assert.equal(percentile(hundred, 100), 100)
})

test('a high percentile of few values is the highest', () => {
  assert.equal(percentile([1, 2, 3], 99), 3)
  assert.equal(percentile([5], 50), 5)
})

test('an empty list has no percentile', () => {
  assert.ok(Number.isNaN(percentile([], 95)))
})

test('scripts, styles, icons and pictures of this site are found once each, without page links, other sites and nomodule scripts', () => {
  const html = `<link rel="stylesheet" href="/a.css"/><script src="/b.js" async=""></script><script async src="/b.js"></script>
    <script src="/old.js" noModule=""></script><link rel="icon" href="/icon.svg?x&amp;y"/><img src="/c.png"><a href="/elsewhere">x</a><script src="//other.org/d.js"></script>`
  assert.deepEqual(findAssets(html), ['/a.css', '/b.js', '/icon.svg?x&y', '/c.png'])
})

test('a sample survives storage unchanged, with compressed bytes', () => {
  const sample = {
    headers: [['Content-Type', 'text/html'] satisfies [string, string]],
    body: Buffer.from([0, 31, 139, 255]),
  }
  assert.deepEqual(parseSample(serialiseSample(sample)), sample)
})

const plot = {
  title: 'Page views by connections',
  x: 'connections',
  y: 'page views/s',
  xScale: 'logarithmic' as const,
  points: [
    { x: 1, y: 300 },
    { x: 16, y: 2500 },
    { x: 512, y: 4100 },
  ],
}

test('every point is inside the picture, the highest value at the top', () => {
  const places = [...plotSvg(plot).matchAll(/<circle class="point" cx="([\d.]+)" cy="([\d.]+)"/g)]
  const [first, second, third] = places.map(([, x, y]) => ({ x: Number(x), y: Number(y) }))
  assert.ok(first && second && third)
  assert.ok(first.x >= 0 && first.x < second.x && second.x < third.x && third.x <= 640)
  assert.ok(third.y >= 0 && third.y < second.y && second.y < first.y && first.y <= 320)
})

test('the picture has a title and a description with its values', () => {
  const svg = plotSvg(plot)
  assert.match(svg, /<title>Page views by connections<\/title>/)
  assert.match(svg, /<desc>page views\/s by connections: 1: 300, 16: 2\.5k, 512: 4\.1k<\/desc>/)
})

test('a linear scale goes from 0 to a round value at or above the highest', () => {
  const { place, ticks } = linearScale([100, 4312])
  assert.deepEqual(ticks, [0, 2000, 4000, 6000])
  assert.deepEqual([place(0), place(3000), place(6000)], [0, 0.5, 1])
})

test('a linear scale of zeros is valid', () => {
  const { place } = linearScale([0, 0])
  assert.equal(place(0), 0)
})

test('on a logarithmic scale equal ratios are equally far apart', () => {
  const { place, ticks } = logScale([10_000, 100, 1000])
  assert.deepEqual(ticks, [100, 1000, 10_000])
  assert.deepEqual([place(100), place(10_000)], [0, 1])
  assert.ok(Math.abs(place(1000) - 0.5) < 1e-9)
})
