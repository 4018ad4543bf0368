import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseResult } from './parse-result.ts'

const told = {
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

test("the line of JSON is found among wrk's own words, and read in answers a second and ms", () => {
  assert.deepEqual(parseResult(around(JSON.stringify(told))), {
    rate: 3998.5,
    answers: 8000,
    p50Ms: 1.5,
    p99Ms: 12.25,
    errors: 6,
    bytesEach: 10_000,
  })
})

test('errors are answers, but no page views', () => {
  const { rate, answers } = parseResult(around(JSON.stringify({ ...told, status: told.answers })))
  assert.deepEqual({ rate, answers }, { rate: 0, answers: 8000 })
})

test('a run without any answer is a result too', () => {
  const { rate, bytesEach } = parseResult(
    around(JSON.stringify({ ...told, answers: 0, status: 0, bytes: 0 })),
  )
  assert.deepEqual({ rate, bytesEach }, { rate: 0, bytesEach: 0 })
})

test('output without a result is refused', () => {
  assert.throws(() => parseResult('unable to connect to 127.0.0.1:1\n'), /wrk said nothing of its result/)
})
