import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { UpdateThrottle } from './watch-board.ts'

/** A page with a throttle; `shows` are the times of its updates, in ms. */
function startPage(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const shows: number[] = []
  const show = () => {
    shows.push(now)
    throttle.shown()
  }
  const throttle = new UpdateThrottle(show, () => now)
  return {
    shows,
    throttle,
    pass(ms: number) {
      for (let passed = 0; passed < ms; passed++) {
        now++
        t.mock.timers.tick(1)
      }
    },
    hear() {
      throttle.news()
      if (!throttle.pending) show()
    },
  }
}

test('news after a pause is shown immediately', t => {
  const page = startPage(t)
  page.hear()
  page.pass(2000)
  page.hear()
  assert.deepEqual(page.shows, [0, 2000])
})

test('of news in a row every second one is shown, even if news comes early or late', t => {
  const page = startPage(t)
  page.hear()
  for (const ms of [250, 230, 270, 290, 250, 210]) {
    page.pass(ms)
    page.hear()
  }
  assert.deepEqual(page.shows, [0, 480, 1040, 1500])
})

test('the last news is shown, too', t => {
  const page = startPage(t)
  page.hear()
  page.pass(250)
  page.hear()
  page.pass(5000)
  assert.deepEqual(page.shows, [0, 600])
})

test('cancelled news is not shown', t => {
  const page = startPage(t)
  page.hear()
  page.pass(250)
  page.hear()
  page.throttle.cancel()
  page.pass(5000)
  assert.deepEqual(page.shows, [0])
})
