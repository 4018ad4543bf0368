import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilHung } from './liveness.ts'

/** A service that gives these answers, each after that many ms, and a clock that runs only during a probe. */
function fakeService(answers: { answered: boolean; afterMs: number }[]) {
  let time = 0
  let probes = 0
  const watching = new AbortController()
  const until = untilHung('', 25_000, watching.signal, {
    pauseMs: 0,
    now: () => time,
    responds: async () => {
      const next = answers[probes]
      if (!next) watching.abort()
      else probes += 1
      time += next?.afterMs ?? 0
      return next?.answered ?? true
    },
  })
  return until.then(
    () => ({ hung: true, probes }),
    () => ({ hung: false, probes }),
  )
}

const silent = { answered: false, afterMs: 4000 }
const answer = { answered: true, afterMs: 1000 }

test('a service without an answer for 25 s is hung', async () => {
  assert.deepEqual(await fakeService(Array(20).fill(silent)), { hung: true, probes: 7 })
})

test('one answer starts the time again', async () => {
  const answers = Array(20).fill([silent, silent, silent, silent, silent, silent, answer]).flat()
  assert.deepEqual(await fakeService(answers), { hung: false, probes: 140 })
})

test('a service that is frozen for 10 s and then slow is not hung', async () => {
  assert.equal((await fakeService([silent, silent, silent, { answered: true, afterMs: 2900 }])).hung, false)
})

test('the time for which the launcher was suspended does not count', async () => {
  const suspended = { answered: false, afterMs: 3_600_000 }
  assert.equal((await fakeService([suspended, suspended, suspended, answer])).hung, false)
})

test('a refused connection is not an answer, however quickly it is refused', async () => {
  const refused = { answered: false, afterMs: 1000 }
  assert.deepEqual(await fakeService(Array(30).fill(refused)), { hung: true, probes: 25 })
})

test('a probe does not count while this process has too little CPU time', async () => {
  let probes = 0
  const enough = new AbortController()
  const responds = async () => {
    const until = performance.now() + 120
    while (performance.now() < until);
    if (++probes === 5) enough.abort()
    return false
  }
  await assert.rejects(untilHung('http://service', 200, enough.signal, { responds, pauseMs: 1 }), {
    name: 'AbortError',
  })
  assert.equal(probes, 5)
})
