import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStubServer } from '../../lib/testing.ts'
import { findAssets, parseResult, parseSample, percentile, serialiseSample, visitSteadily } from './load.ts'

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
