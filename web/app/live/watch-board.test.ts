import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { UpdateThrottle } from './watch-board.ts'

/** A page that shows news by a pace; `shows` are the times at which it did. */
function startPage(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const shows: number[] = []
  const show = () => {
    shows.push(now)
    pace.shown()
  }
  const pace = new UpdateThrottle(show, () => now)
  return {
    shows,
    pace,
    pass(ms: number) {
      for (let passed = 0; passed < ms; passed++) {
        now++
        t.mock.timers.tick(1)
      }
    },
    hear() {
      pace.news()
      if (!pace.holds) show()
    },
  }
}

test('news after a rest is shown at once', t => {
  const page = startPage(t)
  page.hear()
  page.pass(2000)
  page.hear()
  assert.deepEqual(page.shows, [0, 2000])
})

test('of news in a row every second one is shown, early or late as it may be', t => {
  const page = startPage(t)
  page.hear()
  for (const ms of [250, 230, 270, 290, 250, 210]) {
    page.pass(ms)
    page.hear()
  }
  assert.deepEqual(page.shows, [0, 480, 1040, 1500])
})

test('news that nothing follows is shown too', t => {
  const page = startPage(t)
  page.hear()
  page.pass(250)
  page.hear()
  page.pass(5000)
  assert.deepEqual(page.shows, [0, 600])
})

test('what is let go is not shown', t => {
  const page = startPage(t)
  page.hear()
  page.pass(250)
  page.hear()
  page.pace.letGo()
  page.pass(5000)
  assert.deepEqual(page.shows, [0])
})
