import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../shared/api.ts'
import { ProblemPages } from './problem-pages.ts'

const values = { nonce: 'n', code: 'outcome_unknown', message: 'It may be counted.' }

function snapshot(counter: number): Snapshot {
  return { counter, at: '', servers: [], earlier_hits: 0, log: [] }
}

/** Pages that print the counter they were rendered from, what they say, and every token. */
function problemsFrom(latest: () => Snapshot | null, rendered = async () => {}) {
  let renderings = 0
  const problems = new ProblemPages({
    latest,
    async renderPage({ visit, problem, snapshot: shown }, headers) {
      renderings++
      await rendered()
      assert.equal(visit, null)
      const nonce = /'nonce-([^']+)'/.exec(headers['content-security-policy'] ?? '')?.[1]
      return `${shown.counter}|${nonce}|${problem?.code}|${problem?.message}|${problem?.retry_after}`
    },
    server: { id: 1, name: 'web-1', address: '127.0.0.1:3001', srv_id: 'a'.repeat(32) },
    stickySeconds: 300,
    development: false,
  })
  const shown = async () => (await problems.current())?.fill(values) ?? null
  return { problems, shown, renderings: () => renderings }
}

test('it shows the last snapshot, and why nothing was counted', async () => {
  const { shown } = problemsFrom(() => snapshot(7))
  assert.equal(await shown(), '7|n|outcome_unknown|It may be counted.|1')
})

test('many share one rendering while the snapshot is the same, however long', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const last = snapshot(7)
  const { shown, renderings } = problemsFrom(() => last)
  await Promise.all(Array.from({ length: 20 }, shown))
  now += 60_000
  await shown()
  assert.equal(renderings(), 1)
})

test('a newer snapshot is shown, rendered twice a second at the most', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  let counter = 0
  const { shown, renderings } = problemsFrom(() => snapshot(++counter))
  await shown()
  now += 499
  await shown()
  assert.equal(renderings(), 1)
  now += 1
  assert.match((await shown()) ?? '', /^3\|/)
})

test('without any snapshot there is no such page', async () => {
  const { problems } = problemsFrom(() => null)
  await assert.rejects(problems.current(), /nothing to show/)
})

test('while a rendering takes long the one before it is shown, and none when there is none', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let rendering = Promise.withResolvers<void>()
  let counter = 0
  const { shown } = problemsFrom(
    () => snapshot(++counter),
    () => rendering.promise,
  )
  const inTime = async (ms: number) => {
    const page = shown()
    await new Promise(setImmediate)
    t.mock.timers.tick(ms)
    return page
  }
  assert.equal(await inTime(300), null)
  rendering.resolve()
  await new Promise(setImmediate)
  assert.match((await inTime(0)) ?? '', /^1\|/)

  let now = performance.now()
  t.mock.method(performance, 'now', () => now)
  now += 10_000
  rendering = Promise.withResolvers()
  assert.match((await inTime(300)) ?? '', /^1\|/)
  rendering.resolve()
})
