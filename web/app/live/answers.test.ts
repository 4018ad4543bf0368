import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Answer, Answers } from './answers.ts'

/** Answers that the test gives, by the order of the requests; a tab that it hides; and a clock that it moves. */
function answersUnder(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const requests: PromiseWithResolvers<string>[] = []
  let visible = true
  let tabChanged = () => {}
  const tab = {
    isVisible: () => visible,
    follow(onChange: () => void) {
      tabChanged = onChange
      return () => {
        tabChanged = () => {}
      }
    },
  }
  const answers = new Answers((_key: string) => {
    const request = Promise.withResolvers<string>()
    requests.push(request)
    return request.promise
  }, tab)
  return {
    requests,
    follow(key: string, everyMs: number | null = 3000, retryMs: number | null = 1000) {
      let interval = everyMs
      const shown: Answer<string>[] = []
      const following = answers.follow(key, {
        nextMs: failures => (failures === 0 ? interval : retryMs && retryMs * failures),
        changed: answer => void shown.push(answer),
      })
      const every = (ms: number | null) => {
        interval = ms
        following.reschedule()
      }
      return { ...following, every, shown, last: () => shown.at(-1) }
    },
    async answer(place: number, text: string) {
      requests[place]?.resolve(text)
      await settled()
    },
    async fail(place: number) {
      requests[place]?.reject(new Error('away'))
      await settled()
    },
    pass: (ms: number) => t.mock.timers.tick(ms),
    setVisible(next: boolean) {
      visible = next
      tabChanged()
    },
    networkBack: () => tabChanged(),
  }
}

const settled = () => new Promise(setImmediate)
const known = (data: string) => ({ data, error: undefined, loading: false })

test('an answer is requested at first, and again some time after each answer', async t => {
  const { requests, follow, answer, pass } = answersUnder(t)
  const { last } = follow('5m')
  assert.deepEqual(last(), { data: undefined, error: undefined, loading: true })
  pass(60_000)
  assert.equal(requests.length, 1)
  await answer(0, 'one')
  assert.deepEqual(last(), known('one'))
  pass(2999)
  assert.equal(requests.length, 1)
  pass(1)
  assert.equal(requests.length, 2)
  await answer(1, 'two')
  assert.deepEqual(last(), known('two'))
})

test('all that follow one answer share its requests, and the most frequent one decides', async t => {
  const { requests, follow, answer, pass } = answersUnder(t)
  const once = follow('5m', null)
  const often = follow('5m', 3000)
  await answer(0, 'one')
  assert.deepEqual([once.last(), often.last()], [known('one'), known('one')])
  assert.deepEqual(follow('5m', 5000).shown, [known('one')])
  pass(3000)
  assert.equal(requests.length, 2)
  once.stop()
  await answer(1, 'two')
  assert.deepEqual([once.last(), often.last()], [known('one'), known('two')])
  const other = follow('1h')
  assert.equal(requests.length, 3)
  await answer(2, 'an hour')
  assert.deepEqual([often.last(), other.last()], [known('two'), known('an hour')])
})

test('a failed request is made again, later after each failure, and the last answer stays', async t => {
  const { requests, follow, answer, fail, pass } = answersUnder(t)
  const { last } = follow('5m')
  await answer(0, 'one')
  pass(3000)
  await fail(1)
  assert.deepEqual([last()?.data, last()?.error?.message], ['one', 'away'])
  pass(1000)
  await fail(2)
  pass(1999)
  assert.equal(requests.length, 3)
  pass(1)
  await answer(3, 'two')
  assert.deepEqual(last(), known('two'))
  pass(3000)
  await fail(4)
  pass(1000)
  assert.equal(requests.length, 6)
})

test('nothing is requested in a hidden tab, and what was due when it is visible again', async t => {
  const { requests, follow, answer, pass, setVisible } = answersUnder(t)
  setVisible(false)
  follow('5m')
  assert.equal(requests.length, 0)
  setVisible(true)
  assert.equal(requests.length, 1)
  await answer(0, 'one')
  setVisible(false)
  setVisible(true)
  assert.equal(requests.length, 1)
  setVisible(false)
  pass(60_000)
  assert.equal(requests.length, 1)
  setVisible(true)
  assert.equal(requests.length, 2)
})

test('when the network is back, a failed request is made again immediately, and no other', async t => {
  const { requests, follow, answer, fail, networkBack } = answersUnder(t)
  const { last } = follow('5m')
  networkBack()
  assert.equal(requests.length, 1)
  await fail(0)
  networkBack()
  assert.equal(requests.length, 2)
  await answer(1, 'one')
  networkBack()
  assert.equal(requests.length, 2)
  assert.deepEqual(last(), known('one'))
})

test('a request that is not to be repeated waits for `again`', async t => {
  const { requests, follow, answer, fail, pass, networkBack } = answersUnder(t)
  const { again, last } = follow('audit', null, null)
  await fail(0)
  pass(60_000)
  networkBack()
  assert.equal(requests.length, 1)
  again()
  assert.equal(last()?.loading, true)
  await answer(1, 'one')
  assert.deepEqual(last(), known('one'))
  pass(60_000)
  assert.equal(requests.length, 2)
})

test('the answer to the last request counts, also if an earlier one comes after it', async t => {
  const { requests, follow, answer, pass } = answersUnder(t)
  const { again, last } = follow('5m')
  again()
  await answer(1, 'new')
  await answer(0, 'old')
  assert.deepEqual(last(), known('new'))
  pass(3000)
  assert.equal(requests.length, 3)
})

test('a follower that stopped gets no more answers; a later one gets the last answer, and a new one', async t => {
  const { requests, follow, answer, pass } = answersUnder(t)
  const first = follow('5m')
  await answer(0, 'one')
  pass(3000)
  first.stop()
  await answer(1, 'late')
  pass(60_000)
  assert.deepEqual([first.last(), requests.length], [known('one'), 2])
  const second = follow('5m')
  assert.deepEqual([second.shown, requests.length], [[known('one')], 3])
  await answer(2, 'two')
  assert.deepEqual(second.last(), known('two'))
})

test('a new interval counts from when it is set', async t => {
  const { requests, follow, answer, pass } = answersUnder(t)
  const { every } = follow('log')
  every(1000)
  assert.equal(requests.length, 1)
  await answer(0, 'one')
  every(null)
  pass(60_000)
  assert.equal(requests.length, 1)
  every(2000)
  pass(2000)
  assert.equal(requests.length, 2)
})
