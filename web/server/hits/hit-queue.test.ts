import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeHitStore, type Fault, sampleHit } from '../../testing/samples.ts'
import {
  ClientDisconnected,
  type HitStore,
  type HitTimes,
  NotCounted,
  newRequestId,
  OutcomeUnknown,
  PassedOn,
} from './hit.ts'
import { HitQueue, RecentMedian } from './hit-queue.ts'

const limits = { capacity: 100, batchSize: 10, budgetMs: 1500, suspendedBudgetMs: 1200, minMs: 0 }

const hit = (requestId = newRequestId()) => sampleHit({ requestId })

function hold(store: FakeHitStore): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  store.gate = promise
  return resolve
}

async function codesOf(counts: Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(counts)
  return settled.map(result => (result.status === 'fulfilled' ? 'counted' : result.reason.code))
}

test('hits get contiguous numbers in the order they came', async () => {
  const queue = new HitQueue(new FakeHitStore(), limits)
  const counts = await Promise.all(Array.from({ length: 35 }, () => queue.submit(hit())))
  assert.deepEqual(
    counts.map(count => count.id),
    Array.from({ length: 35 }, (_, index) => index + 1),
  )
})

test('what comes in during a commit is the next batch', async () => {
  const store = new FakeHitStore()
  const queue = new HitQueue(store, limits)
  const release = hold(store)
  const first = queue.submit(hit())
  await new Promise(setImmediate)
  const rest = Array.from({ length: 7 }, () => queue.submit(hit()))
  release()
  await Promise.all([first, ...rest])
  assert.deepEqual(store.batches, [1, 7])
})

test('a commit gets the ms until the latest and until the earliest deadline of its hits', async () => {
  const given: (number | undefined)[][] = []
  const store = new FakeHitStore()
  const observed: HitStore = {
    find: ids => store.find(ids),
    commit(hits, ...times) {
      given.push(times)
      return store.commit(hits)
    },
  }
  const queue = new HitQueue(observed, { ...limits, budgetMs: 60_000 })
  const startedAt = performance.now()
  await Promise.all([startedAt, startedAt - 500].map(startedAt => queue.submit(hit(), { startedAt })))
  const [[latest = 0, earliest = 0] = []] = given
  assert.ok(latest <= 60_000 && earliest > 0 && earliest <= latest - 499, `${given}`)
})

/** A queue whose first batch of two hits has taken 100 ms, while a third hit waits. */
async function queueAfterSlowCommit(t: TestContext) {
  const clock = { now: 1000 }
  t.mock.method(performance, 'now', () => clock.now)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const store = new FakeHitStore()
  const queue = new HitQueue(store, limits)
  const release = hold(store)
  const answered = [queue.submit(hit()), queue.submit(hit())]
  await new Promise(setImmediate)
  const third = queue.submit(hit())
  clock.now += 100
  release()
  await Promise.all(answered)
  await new Promise(setImmediate)
  return { clock, queue, store, third }
}

test('a batch waits a moment for the visitors of the one before', async t => {
  const { queue, store, third } = await queueAfterSlowCommit(t)
  assert.deepEqual(store.batches, [2])
  const fourth = queue.submit(hit())
  await new Promise(setImmediate)
  assert.deepEqual(store.batches, [2])
  await Promise.all([third, fourth, queue.submit(hit())])
  assert.deepEqual(store.batches, [2, 3])
})

test('a batch leaves without them after 10 ms, or half the time that the last commit took', async t => {
  const { store, third } = await queueAfterSlowCommit(t)
  t.mock.timers.tick(9)
  await new Promise(setImmediate)
  assert.deepEqual(store.batches, [2])
  t.mock.timers.tick(1)
  await third
  assert.deepEqual(store.batches, [2, 1])
})

test('a hit that comes later leaves immediately', async t => {
  const { clock, queue, store, third } = await queueAfterSlowCommit(t)
  t.mock.timers.tick(10)
  await third
  await new Promise(setImmediate)
  clock.now += 100
  await queue.submit(hit())
  assert.deepEqual(store.batches, [2, 1, 1])
})

test('a queue that is suspended while a batch waits sends nothing', async t => {
  const { queue, store, third } = await queueAfterSlowCommit(t)
  queue.suspend('refused')
  await assert.rejects(third, NotCounted)
  t.mock.timers.tick(10)
  await new Promise(setImmediate)
  assert.deepEqual(store.batches, [2])
  queue.suspend(null)
})

test('a request id that comes twice in a batch gets one number for both', async () => {
  const store = new FakeHitStore()
  const queue = new HitQueue(store, limits)
  const same = hit()
  const [first, second, other] = await Promise.all([same, same, hit()].map(each => queue.submit(each)))
  assert.equal(first?.id, second?.id)
  assert.notEqual(first?.id, other?.id)
  assert.equal(store.log.size, 2)
})

test('a request id that was counted by another replica gets the number it has', async () => {
  const store = new FakeHitStore()
  const same = hit()
  const elsewhere = await new HitQueue(store, limits).submit(same)
  const queue = new HitQueue(store, limits)
  const [again, other] = await Promise.all([queue.submit(same), queue.submit(hit())])
  assert.deepEqual(again, elsewhere)
  assert.equal(other.id, 2)
  assert.equal(store.log.size, 2)
})

const faultPlans: Fault[][] = [
  ['before'],
  ['after'],
  ['unclear'],
  ['before', 'before', 'before'],
  ['unclear', 'after'],
  ['before', 'find', 'after', 'find'],
  ['after', 'find', 'find'],
  ['unclear', 'find', 'before', 'unclear', 'after'],
]
for (const plan of faultPlans) {
  test(`each hit is counted exactly once through ${plan.join(', ')}`, async () => {
    const store = new FakeHitStore()
    store.faults = [...plan]
    const queue = new HitQueue(store, limits)
    const hits = Array.from({ length: 5 }, () => hit())
    const counts = await Promise.all(hits.map(each => queue.submit(each)))
    assert.deepEqual(store.faults, [])
    assert.equal(store.log.size, 5)
    for (const [index, count] of counts.entries()) {
      assert.equal(store.log.get(hits[index]?.requestId ?? '')?.id, count.id)
    }
  })
}

test('without a database in time a hit is not counted, and the error says so', async () => {
  const store = new FakeHitStore()
  store.faults = Array.from({ length: 1000 }, () => 'before' as const)
  const queue = new HitQueue(store, { ...limits, budgetMs: 60 })
  await assert.rejects(queue.submit(hit()), (error: unknown) => {
    assert.ok(error instanceof NotCounted)
    assert.deepEqual([error.status, error.code, error.retryAfter], [503, 'counter_unavailable', 1])
    return true
  })
  await queue.close()
  assert.equal(store.log.size, 0)
})

test('without time for an answer no attempt is made: it is certain that nothing is counted', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, { ...limits, minMs: 1000 })
  const first = queue.submit(hit())
  await new Promise(setImmediate)
  const second = queue.submit(hit(), { startedAt: performance.now() - 600 })
  release()
  assert.deepEqual(await codesOf([first, second]), ['counted', 'counter_unavailable'])
  assert.equal(store.log.size, 1)
})

test('a commit that gives no answer in time leaves the outcome unknown', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, { ...limits, budgetMs: 60_000 })
  const sent = queue.submit(hit())
  await new Promise(setImmediate)
  const waiting = queue.submit(hit())
  t.mock.timers.tick(60_000)
  const codes = await codesOf([sent, waiting])
  release()
  await queue.close()
  assert.deepEqual(codes, ['outcome_unknown', 'counter_unavailable'])
  assert.equal(store.log.size, 1, 'the log has only the hit that was sent to the database')
})

test('once an outcome was unknown, a later refusal does not make it known', async () => {
  const store = new FakeHitStore()
  store.faults = ['unclear', ...Array.from({ length: 1000 }, () => 'before' as const)]
  const queue = new HitQueue(store, { ...limits, budgetMs: 1000 })
  await assert.rejects(queue.submit(hit()), OutcomeUnknown)
})

test('a queue at its bound refuses, and counts nothing of what it refused', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, { ...limits, capacity: 3 })
  const submissions = [queue.submit(hit())]
  await new Promise(setImmediate)
  for (let n = 0; n < 5; n++) submissions.push(queue.submit(hit()))
  assert.equal(queue.length, 3)
  release()
  const codes = await codesOf(submissions)
  assert.deepEqual(codes, ['counted', 'counted', 'counted', 'counted', 'overloaded', 'overloaded'])
  assert.equal(store.log.size, 4)
})

test('the wait to expect is that for the batches before the next one, by how long commits lately took', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const store = new FakeHitStore()
  const queue = new HitQueue(store, limits)
  for (let batch = 0; batch < 3; batch++) {
    const release = hold(store)
    const count = queue.submit(hit())
    await new Promise(setImmediate)
    now += 100
    release()
    await count
  }
  const release = hold(store)
  const counts = [queue.submit(hit())]
  await new Promise(setImmediate)
  const waits = [queue.expectedWaitMs]
  for (const more of [9, 1, 10]) {
    for (let n = 0; n < more; n++) counts.push(queue.submit(hit()))
    waits.push(queue.expectedWaitMs)
  }
  assert.deepEqual(waits, [0, 0, 100, 200])
  release()
  await Promise.all(counts)
})

test('the time of a page view runs from when it came, not from when its hit was submitted', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, { ...limits, budgetMs: 60_000 })
  await assert.rejects(queue.submit(hit(), { startedAt: performance.now() - 60_000 }), NotCounted)
  release()
  await queue.close()
  assert.equal(store.log.size, 0)
})

test('a client that left before its batch is not counted', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, limits)
  const first = queue.submit(hit())
  await new Promise(setImmediate)
  let hasDisconnected = false
  const second = queue.submit(hit(), { isDisconnected: () => hasDisconnected })
  const third = queue.submit(hit())
  hasDisconnected = true
  release()
  await assert.rejects(second, ClientDisconnected)
  assert.deepEqual([(await first).id, (await third).id], [1, 2])
  assert.equal(store.log.size, 2)
})

test('a client that left while nothing could be committed is not counted, and no failure', async t => {
  // The time is up when the test says so: on a busy machine a short time can pass before the batch has left.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, { ...limits, budgetMs: 60_000 })
  const stays = queue.submit(hit())
  await new Promise(setImmediate)
  const waits = queue.submit(hit(), { isDisconnected: () => true })
  t.mock.timers.tick(60_000)
  await Promise.all([assert.rejects(waits, ClientDisconnected), assert.rejects(stays, OutcomeUnknown)])
  release()
})

test('a client that left after an attempt that was rolled back is not counted', async () => {
  const store = new FakeHitStore()
  store.faults = ['before']
  const queue = new HitQueue(store, limits)
  const goes = queue.submit(hit(), { isDisconnected: () => store.faults.length === 0 })
  const stays = queue.submit(hit())
  await assert.rejects(goes, ClientDisconnected)
  assert.equal((await stays).id, 1)
  assert.equal(store.log.size, 1)
})

test('a client that leaves while its batch is being committed is counted', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, limits)
  let hasDisconnected = false
  const submission = queue.submit(hit(), { isDisconnected: () => hasDisconnected })
  await new Promise(setImmediate)
  hasDisconnected = true
  release()
  assert.equal((await submission).id, 1)
})

test('a queue that passes on keeps only what no other server can take, and says what it may have counted', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const queue = new HitQueue(store, limits)
  const [sent, stays] = [true, false].map(canBePassedOn => queue.submit(hit(), { canBePassedOn }))
  await new Promise(setImmediate)
  const waiting = queue.submit(hit(), { canBePassedOn: true })
  queue.suspend('away')
  const late = queue.submit(hit(), { canBePassedOn: true })
  const mayBeCommitted = (expected: boolean) => (error: unknown) =>
    error instanceof PassedOn && error.status === 403 && error.mayBeCommitted === expected
  await assert.rejects(sent ?? assert.fail(), mayBeCommitted(true))
  await assert.rejects(waiting, mayBeCommitted(false))
  await assert.rejects(late, mayBeCommitted(false))
  release()
  assert.equal((await stays)?.id, 2)
  queue.suspend(null)
  assert.equal((await queue.submit(hit(), { canBePassedOn: true })).id, 3)
  assert.equal(store.log.size, 3, 'the one that had left, the one that stayed and the one after it')
})

test('while a queue is suspended, what it keeps is not sent: counted once it may be, else known not to be', async () => {
  const store = new FakeHitStore()
  const queue = new HitQueue(store, { ...limits, suspendedBudgetMs: 60 })
  queue.suspend('away')
  await assert.rejects(queue.submit(hit()), (error: unknown) => {
    assert.ok(error instanceof NotCounted)
    assert.equal(error.code, 'counter_unavailable')
    return true
  })
  const patient = new HitQueue(store, limits)
  patient.suspend('away')
  const kept = patient.submit(hit())
  await new Promise(setImmediate)
  assert.deepEqual([patient.length, store.batches], [1, []])
  patient.suspend(null)
  assert.equal((await kept).id, 1)
  await queue.close()
  assert.equal(store.log.size, 1)
})

test('a page view that was passed on while its batch was running counts once, whichever server commits first', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const here = new HitQueue(store, limits)
  const [same, other] = [hit(), hit()]
  const passedOn = here.submit(same, { canBePassedOn: true })
  const stays = here.submit(other)
  await new Promise(setImmediate)
  here.suspend('away')
  await assert.rejects(passedOn, PassedOn)
  store.gate = Promise.resolve()
  const there = await new HitQueue(store, limits).submit(same)
  release()
  assert.deepEqual([there.id, (await stays).id], [1, 2])
  assert.equal(store.log.size, 2)
})

test('while the database refuses, a page view that no other server can take fails immediately', async () => {
  const store = new FakeHitStore()
  const queue = new HitQueue(store, { ...limits, suspendedBudgetMs: 60_000 })
  queue.suspend('away')
  const waits = queue.submit(hit())
  queue.suspend('refused')
  await assert.rejects(waits, { code: 'counter_unavailable' })
  await assert.rejects(queue.submit(hit()), { code: 'counter_unavailable' })
  assert.equal(store.log.size, 0)
})

test('it reports a slow batch once', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const store = new FakeHitStore()
  const release = hold(store)
  let slow = 0
  const queue = new HitQueue(store, limits, { onSlow: () => slow++ })
  const count = queue.submit(hit())
  await new Promise(setImmediate)
  t.mock.timers.tick(399)
  assert.equal(slow, 0)
  t.mock.timers.tick(1000)
  assert.equal(slow, 1)
  release()
  await count
})

test('it reports each failed attempt, and the failure that page views timed out for', async () => {
  const store = new FakeHitStore()
  store.faults = ['before']
  const reported: string[] = []
  const events = {
    onFailure: ({ message }: Error) => reported.push(message),
    onUncounted: ({ message }: Error) => reported.push(`uncounted: ${message}`),
  }
  const queue = new HitQueue(store, { ...limits, budgetMs: 300 }, events)
  await queue.submit(hit())
  assert.deepEqual(reported.splice(0), ['before'])
  store.faults = Array.from({ length: 1000 }, () => 'before' as const)
  await assert.rejects(queue.submit(hit()), NotCounted)
  await queue.close()
  assert.deepEqual(new Set(reported), new Set(['before', 'uncounted: before']))
})

test('it reports retries, transactions that gave numbers, and page views that had theirs', async () => {
  const store = new FakeHitStore()
  store.faults = ['before', 'after']
  const reported: string[] = []
  const queue = new HitQueue(store, limits, {
    onRetry: () => reported.push('retry'),
    onCommit: ms => reported.push(ms >= 0 ? 'commit' : 'a negative time'),
    onDuplicates: hits => reported.push(`${hits} had a number`),
  })
  await Promise.all([hit(), hit()].map(each => queue.submit(each)))
  assert.deepEqual(reported.splice(0), ['retry', 'retry', '2 had a number'])
  const same = hit()
  await Promise.all([same, same].map(each => queue.submit(each)))
  assert.deepEqual(reported, ['commit', '1 had a number'])
})

test('it notes when the batch of a page view left, and when its number came', async () => {
  const store = new FakeHitStore()
  const release = hold(store)
  const startedAt = performance.now()
  const queue = new HitQueue(store, limits)
  const times: HitTimes = { leftAt: 0, countedAt: 0, batch: null }
  const count = queue.submit(hit(), { startedAt, times })
  await new Promise(setImmediate)
  const { leftAt } = times
  assert.ok(leftAt >= startedAt)
  const releasedAt = performance.now()
  release()
  await count
  assert.equal(times.leftAt, leftAt)
  assert.deepEqual([times.batch?.hits, times.batch?.attempts.length], [1, 1])
  assert.ok(times.countedAt >= releasedAt && times.countedAt <= performance.now())
})

test('a queue that closes answers what it has and takes no more', async () => {
  const store = new FakeHitStore()
  const queue = new HitQueue(store, limits)
  const before = queue.submit(hit())
  const closing = queue.close()
  const codes = codesOf([before, queue.submit(hit())])
  await closing
  assert.deepEqual(await codes, ['counted', 'shutting_down'])
})

test('a defect in the store fails its batch, and the next one is served', async t => {
  t.mock.method(console, 'error', () => {})
  const store = new FakeHitStore()
  const queue = new HitQueue(store, limits)
  t.mock.method(store, 'commit', () => Promise.reject(new TypeError('a defect')), { times: 1 })
  await assert.rejects(queue.submit(hit()), OutcomeUnknown)
  assert.equal((await queue.submit(hit())).id, 1)
})

test('it reports the size of each batch and the highest number it gave', async () => {
  const reported: string[] = []
  const queue = new HitQueue(new FakeHitStore(), limits, {
    onBatch: size => reported.push(`batch of ${size}`),
    onCounted: lastId => reported.push(`up to ${lastId}`),
  })
  const gone = queue.submit(hit(), { isDisconnected: () => true })
  await Promise.all([queue.submit(hit()), queue.submit(hit()), assert.rejects(gone, ClientDisconnected)])
  await queue.close()
  assert.deepEqual(reported, ['batch of 2', 'up to 2'])
})

function measured(values: number[], now = () => 0): RecentMedian {
  const median = new RecentMedian(1000, now)
  for (const value of values) median.add(value)
  return median
}

test('one bad moment is not the middle', () => {
  assert.equal(measured([5, 6, 10_000, 7, 5]).value, 6)
})

test('what lasts is', () => {
  assert.equal(measured([5, 6, 7, ...Array<number>(10).fill(400)]).value, 400)
})

test('too little says nothing', () => {
  assert.equal(measured([400, 400]).value, 0)
})

test('what is long ago no longer counts', () => {
  let now = 0
  const median = measured([400, 400, 400], () => now)
  now = 999
  assert.equal(median.value, 400)
  now = 1000
  assert.equal(median.value, 0)
})
