import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilHung } from './liveness.ts'

/** A part that gives these answers, each after that many ms, and a clock that passes only while it is asked. */
function fakePart(answers: { answered: boolean; afterMs: number }[]) {
  let time = 0
  let asked = 0
  const watching = new AbortController()
  const until = untilHung('', 25_000, watching.signal, {
    pauseMs: 0,
    now: () => time,
    responds: async () => {
      const next = answers[asked]
      if (!next) watching.abort()
      else asked += 1
      time += next?.afterMs ?? 0
      return next?.answered ?? true
    },
  })
  return until.then(
    () => ({ hung: true, asked }),
    () => ({ hung: false, asked }),
  )
}

const silent = { answered: false, afterMs: 4000 }
const answer = { answered: true, afterMs: 1000 }

test('a part that gives no answer for 25 s hangs', async () => {
  assert.deepEqual(await fakePart(Array(20).fill(silent)), { hung: true, asked: 7 })
})

test('one answer is enough to start again at zero', async () => {
  const answers = Array(20).fill([silent, silent, silent, silent, silent, silent, answer]).flat()
  assert.deepEqual(await fakePart(answers), { hung: false, asked: 140 })
})

test('a part that is frozen for 10 s, and slow afterwards, does not hang', async () => {
  assert.equal((await fakePart([silent, silent, silent, { answered: true, afterMs: 2900 }])).hung, false)
})

test('the time for which the launcher itself was suspended says nothing of the part', async () => {
  const suspended = { answered: false, afterMs: 3_600_000 }
  assert.equal((await fakePart([suspended, suspended, suspended, answer])).hung, false)
})

test('a refused connection is no answer either, however quickly it is refused', async () => {
  const refused = { answered: false, afterMs: 1000 }
  assert.deepEqual(await fakePart(Array(30).fill(refused)), { hung: true, asked: 25 })
})

test('what is not heard because this process itself is starved counts for nothing', async () => {
  let asked = 0
  const enough = new AbortController()
  const responds = async () => {
    const until = performance.now() + 120
    while (performance.now() < until);
    if (++asked === 5) enough.abort()
    return false
  }
  await assert.rejects(untilHung('http://part', 200, enough.signal, { responds, pauseMs: 1 }), {
    name: 'AbortError',
  })
  assert.equal(asked, 5)
})
