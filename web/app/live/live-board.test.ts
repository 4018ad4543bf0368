import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import { giveHues, startBoard, withChange, withOutage, withSnapshot } from './live-board.ts'
import { isCurrent, UpdateThrottle } from './watch-board.ts'

function row(id: number): LogRow {
  return sampleLogRow({ id })
}

function rows(from: number, downTo: number): LogRow[] {
  return Array.from({ length: from - downTo + 1 }, (_, i) => row(from - i))
}

/** A snapshot of the board, `second` seconds after noon. */
function view(counter: number, second: number, log: LogRow[]): Snapshot {
  return {
    counter,
    at: new Date(Date.UTC(2026, 10, 22, 12, 0, second)).toISOString(),
    servers: [],
    earlier_hits: 0,
    log,
  }
}

const ids = (log: LogRow[]) => log.map(({ id }) => id)

test('a change brings its figures and puts its rows on top of the log', () => {
  const board = withChange(startBoard(view(3, 0, rows(3, 1))), view(5, 1, rows(5, 4)))
  assert.equal(board.snapshot.counter, 5)
  assert.deepEqual(ids(board.snapshot.log), [5, 4, 3, 2, 1])
})

test('the log keeps the newest 50', () => {
  const board = withChange(startBoard(view(60, 0, rows(60, 11))), view(90, 1, rows(90, 61)))
  assert.deepEqual(ids(board.snapshot.log), ids(rows(90, 41)))
})

test('a row that comes twice is shown once', () => {
  const board = withChange(startBoard(view(3, 0, rows(3, 1))), view(4, 1, rows(4, 2)))
  assert.deepEqual(ids(board.snapshot.log), [4, 3, 2, 1])
})

test('a change without rows does not change the log', () => {
  const board = withChange(startBoard(view(3, 0, rows(3, 1))), view(3, 1, []))
  assert.deepEqual(ids(board.snapshot.log), [3, 2, 1])
})

test('a snapshot replaces everything, as after a reset of the count', () => {
  const board = withSnapshot(startBoard(view(90, 0, rows(90, 41))), view(2, 1, rows(2, 1)))
  assert.equal(board.snapshot.counter, 2)
  assert.deepEqual(ids(board.snapshot.log), [2, 1])
})

test('another replica’s slightly older snapshot does not turn the board back', () => {
  const board = withSnapshot(startBoard(view(90, 4, rows(90, 41))), view(85, 3, rows(85, 36)))
  assert.equal(board.snapshot.counter, 90)
})

test('nor does the old snapshot of a replica that cannot read the database now', () => {
  const board = withSnapshot(startBoard(view(90, 50, rows(90, 41))), view(85, 3, rows(85, 36)))
  assert.equal(board.snapshot.counter, 90)
})

test('an older snapshot that counts more is shown: the database’s clock was set', () => {
  const board = withSnapshot(startBoard(view(90, 30, rows(90, 41))), view(91, 3, rows(91, 42)))
  assert.equal(board.snapshot.counter, 91)
})

/** The board after all these snapshots, in that order. */
function afterAll(shown: Snapshot, views: Snapshot[]) {
  return views.reduce((board, next) => withChange(board, next), startBoard(shown)).snapshot
}

test('older snapshots that become newer are shown, also without visits: the database’s clock was set back', () => {
  const lost = { ...view(90, 5, []), servers: [{ ...server(1, 'a'), state: 'lost' as const }] }
  const shown = { ...view(90, 30, rows(90, 41)), servers: [server(1, 'a')] }
  const board = afterAll(shown, [view(90, 3, []), view(90, 4, []), lost])
  assert.deepEqual(
    board.servers.map(({ state }) => state),
    ['lost'],
  )
  assert.deepEqual(ids(board.log), ids(rows(90, 41)))
  assert.equal(afterAll(board, [view(90, 6, [])]).at, view(90, 6, []).at)
})

test('a clock that was set back an hour is treated like a second', () => {
  const hour = 3600
  const board = afterAll(
    view(90, 30, []),
    [2, 3, 3, 4].map(second => view(90, second - hour, [])),
  )
  assert.equal(board.at, view(90, 4 - hour, []).at)
})

test('older snapshots of several replicas, in turn or repeated, are not shown', () => {
  const turns = [3, 4, 3, 4, 3, 4]
  const repeats = [3, 3, 3, 4, 4, 4]
  const falls = [8, 7, 6, 5, 4, 3]
  for (const seconds of [turns, repeats, falls])
    assert.equal(
      afterAll(
        view(90, 30, []),
        seconds.map(second => view(90, second, [])),
      ).at,
      view(90, 30, []).at,
    )
})

test('older snapshots that count less are never shown', () => {
  const board = afterAll(
    view(90, 30, []),
    [3, 4, 5, 6, 7].map(second => view(89, second, [])),
  )
  assert.equal(board.at, view(90, 30, []).at)
})

test('a newer snapshot between older ones restarts their count', () => {
  const at = [3, 4, 31, 4, 5].map(second => view(90, second, []))
  assert.equal(afterAll(view(90, 30, []), at).at, view(90, 31, []).at)
})

test('an outage stays until the next snapshot', () => {
  const down = withOutage(startBoard(view(1, 0, [])), { since: '2026-11-22T12:00:01.000Z' })
  assert.equal(down.outage?.since, '2026-11-22T12:00:01.000Z')
  assert.equal(withChange(down, view(1, 2, [])).outage, null)
})

test('a snapshot from before the outage does not end it: a stream that starts meanwhile begins with one', () => {
  const down = withOutage(startBoard(view(1, 0, [])), { since: view(1, 0, []).at })
  const since = { since: view(1, 0, []).at }
  assert.deepEqual(withSnapshot(down, view(1, 0, [])).outage, since)
  assert.deepEqual(withSnapshot(down, { ...view(1, 0, []), at: '2026-11-22T12:00:00.260Z' }).outage, since)
  assert.deepEqual(withSnapshot(down, { ...view(0, 0, []), at: '2026-11-22T11:59:59.740Z' }).outage, since)
  assert.equal(withSnapshot(down, view(1, 6, [])).outage, null)
})

test('figures are current unless the page is lost, the database is away, or they are from before a pause', () => {
  const board = startBoard(view(1, 0, []))
  const down = withOutage(board, { since: board.snapshot.at })
  const connecting = (old: boolean) => ({ board, status: { kind: 'connecting', old } as const })
  assert.equal(isCurrent({ board, status: { kind: 'live' } }, true), true)
  assert.equal(isCurrent({ board: down, status: { kind: 'live' } }, false), false)
  assert.equal(isCurrent({ board, status: { kind: 'lost', since: 0 } }, false), false)
  assert.equal(isCurrent(connecting(false), false), true)
  assert.equal(isCurrent(connecting(true), false), false)
  assert.equal(isCurrent(connecting(false), true), false, 'this page view was not counted')
})

function server(id: number, srvId: string): ServerRow {
  return sampleServerRow({ id, srv_id: srvId, name: srvId })
}

test('colours follow the order of the rows, so a restart does not shuffle them', () => {
  assert.deepEqual(giveHues({}, [server(3, 'a'), server(1, 'b'), server(2, 'c')]), { a: 0, b: 1, c: 2 })
})

test('two instances of an address share a colour', () => {
  assert.deepEqual(giveHues({}, [server(1, 'a'), server(2, 'b'), server(3, 'a')]), { a: 0, b: 1 })
})

test('a server keeps its colour when others leave, and a new one takes the next', () => {
  assert.deepEqual(giveHues({ a: 0, b: 1 }, [server(2, 'b'), server(3, 'c')]), { a: 0, b: 1, c: 2 })
})

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
