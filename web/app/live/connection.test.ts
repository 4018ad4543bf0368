import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  type Connection,
  type ConnectionAction,
  type ConnectionEvent,
  due,
  reduce,
  startConnection,
  statusOf,
} from './connection.ts'
import { leaseMs, takeLease } from './stream.ts'

/** A connection with its clock, in seconds since the page was loaded. */
function connectionAt() {
  let connection: Connection = startConnection(0)
  return {
    tell: (seconds: number, event: ConnectionEvent) => {
      connection = reduce(connection, event, seconds * 1000)
    },
    due: (seconds: number): ConnectionAction[] => {
      const [next, actions] = due(connection, seconds * 1000)
      connection = next
      return actions
    },
    status: (seconds: number) => statusOf(connection, seconds * 1000),
  }
}

const resumed: ConnectionEvent = { type: 'resumed', sleptMs: 0 }
const failed: ConnectionEvent = { type: 'stream failed', jitter: 0.5 }

function live() {
  const it = connectionAt()
  it.tell(0, resumed)
  it.due(0)
  it.tell(0.1, { type: 'stream heard' })
  return it
}

test('a hidden page does nothing', () => {
  const it = connectionAt()
  assert.deepEqual(it.due(0), [])
  assert.deepEqual(it.due(60), [])
})

test('a visible page opens one stream and is live after its first event', () => {
  const it = connectionAt()
  it.tell(0, resumed)
  assert.deepEqual(it.due(0), ['open stream'])
  assert.deepEqual(it.due(0.5), [])
  assert.equal(it.status(0.5).kind, 'connecting')
  it.tell(0.6, { type: 'stream heard' })
  assert.equal(it.status(0.6).kind, 'live')
  assert.deepEqual(it.due(2.6), [], 'no polling beside a stream')
})

test('a stream that is slow to open is bridged by polls', () => {
  const it = connectionAt()
  it.tell(0, resumed)
  it.due(0)
  assert.deepEqual(it.due(2), ['poll'])
  assert.deepEqual(it.due(5), [], 'one poll at a time')
  it.tell(5.5, { type: 'poll answered' })
  assert.deepEqual(it.status(5.5), { kind: 'polling', noPlace: null })
})

test('a stream that should have sent something is bridged by a poll', () => {
  const it = live()
  assert.deepEqual(it.due(2.2), [])
  assert.deepEqual(it.due(2.3), ['poll'])
  it.tell(2.4, { type: 'poll answered' })
  assert.deepEqual(it.due(2.8), [])
  assert.deepEqual(it.due(2.9), ['poll'])
  it.tell(3, { type: 'poll answered' })
  assert.equal(it.status(5).kind, 'live')
  it.tell(5, { type: 'stream heard' })
  assert.deepEqual(it.due(7.1), [], 'and no longer than it is silent')
})

test('six seconds of silence close a stream, and it is opened again with backoff', () => {
  const it = live()
  assert.deepEqual(it.due(4), ['poll'])
  assert.deepEqual(it.due(6), [])
  assert.deepEqual(it.due(6.1), ['close stream'])
  it.tell(6.1, { type: 'poll failed' })
  it.tell(6.1, failed)
  assert.deepEqual(it.due(6.2), ['poll'])
  it.tell(6.3, { type: 'poll failed' })
  assert.deepEqual(it.due(7.1), ['open stream'])
  it.tell(7.2, failed)
  assert.equal(it.due(8.5).includes('open stream'), false, 'the second wait is longer')
  assert.equal(it.due(9.2).includes('open stream'), true)
})

test('waits between streams grow up to 15 s, plus or minus a quarter', () => {
  const it = live()
  let now = 1
  for (let failure = 0; failure < 8; failure++) it.tell(now, failed)
  assert.equal(it.due(now + 14.9).includes('open stream'), false)
  assert.equal(it.due(now + 15).includes('open stream'), true)
  now = 100
  it.tell(now, { type: 'stream failed', jitter: 1 })
  assert.equal(it.due(now + 18.7).includes('open stream'), false)
  assert.equal(it.due(now + 18.8).includes('open stream'), true)
})

test('while streams fail it polls every two seconds and says so', () => {
  const it = live()
  it.tell(1, failed)
  it.tell(1, failed)
  it.tell(1, failed)
  assert.deepEqual(it.due(2.1), ['poll'])
  it.tell(2.2, { type: 'poll answered' })
  assert.equal(it.status(2.2).kind, 'polling')
  assert.deepEqual(it.due(3.9), [])
  assert.deepEqual(it.due(4.2), ['poll'])
})

test('after six seconds of silence it is lost, since it last heard', () => {
  const it = live()
  it.tell(1, failed)
  assert.notEqual(it.status(6).kind, 'lost')
  assert.deepEqual(it.status(6.1), { kind: 'lost', since: 100 })
})

test('without a stream’s event and a poll’s answer an open page says within four seconds that it is lost', () => {
  const it = live()
  assert.equal(it.status(3.5).kind, 'live')
  assert.deepEqual(it.status(3.6), { kind: 'lost', since: 100 })
  it.due(6.1)
  it.tell(6.1, failed)
  assert.equal(it.status(6.2).kind, 'lost')
})

test('a page that was busy itself has lost nothing: what came meanwhile still waits', () => {
  const it = live()
  it.tell(7, { type: 'stalled' })
  assert.deepEqual(it.due(7), [])
  assert.equal(it.status(7).kind, 'live')
  assert.deepEqual(it.status(10.5), { kind: 'lost', since: 100 }, 'but from then on it counts')
})

test('one poll or event later it is connected again', () => {
  const it = live()
  it.tell(1, failed)
  it.tell(20, { type: 'poll answered' })
  assert.equal(it.status(20).kind, 'polling')
  it.tell(21, { type: 'stream heard' })
  assert.equal(it.status(21).kind, 'live')
})

test('when a poll ends a loss, a stream is tried immediately', () => {
  const it = live()
  for (let failure = 0; failure < 8; failure++) it.tell(9, failed)
  it.tell(10, { type: 'poll answered' })
  assert.equal(it.due(10).includes('open stream'), true)
})

test('a tab that gets no stream polls, and tries again later', () => {
  const it = connectionAt()
  it.tell(0, resumed)
  it.due(0)
  it.tell(0.1, { type: 'stream refused', why: 'crowded' })
  assert.deepEqual(it.due(2), ['poll'])
  it.tell(2.1, { type: 'poll answered' })
  assert.deepEqual(it.status(2.1), { kind: 'polling', noPlace: 'crowded' })
  assert.equal(it.due(10).includes('open stream'), false)
  assert.equal(it.due(10.1).includes('open stream'), true)
})

test('when the browser’s locks answer after the refusal, a stream is tried immediately', () => {
  const it = connectionAt()
  it.tell(0, resumed)
  it.due(0)
  it.tell(2, { type: 'stream refused', why: 'unshared' })
  assert.equal(it.due(3).includes('open stream'), false)
  it.tell(3, { type: 'locks answered' })
  assert.equal(it.due(3).includes('open stream'), true)
})

test('a hidden tab stops, and has six seconds after it is visible again before it is lost', () => {
  const it = live()
  it.tell(10, { type: 'paused' })
  assert.deepEqual(it.due(11), [])
  it.tell(100, resumed)
  assert.equal(it.status(100).kind, 'connecting')
  assert.deepEqual(it.due(100), ['open stream'])
  assert.deepEqual(it.status(106), { kind: 'lost', since: 100 }, 'since its last event')
})

const connecting = (old: boolean) => ({ kind: 'connecting', old })

test('figures from before a long pause are old, whether the tab was hidden or the machine slept', () => {
  const hidden = live()
  hidden.tell(10, { type: 'paused' })
  hidden.tell(3600, resumed)
  assert.deepEqual(hidden.status(3600), connecting(true))
  const slept = live()
  slept.tell(1, { type: 'paused' })
  slept.tell(1, { type: 'resumed', sleptMs: 3_600_000 })
  assert.deepEqual(slept.status(1), connecting(true))
  slept.due(7)
  assert.deepEqual(
    slept.status(7),
    { kind: 'lost', since: 100 },
    'the clock may have been set: no hour without an answer',
  )
  slept.tell(7.2, { type: 'stream heard' })
  assert.equal(slept.status(7.2).kind, 'live')
})

test('after a quick change of tabs the figures stay for a second, and then are old', () => {
  const it = live()
  it.tell(10, { type: 'paused' })
  it.tell(40, resumed)
  it.due(40)
  assert.deepEqual(it.status(40.9), connecting(false))
  assert.deepEqual(it.status(41), connecting(true))
  const quicker = live()
  quicker.tell(1, { type: 'paused' })
  quicker.tell(3, resumed)
  assert.deepEqual(quicker.status(4.5), connecting(false), 'still as young as those of a slow stream')
})

test('a hidden tab is not lost, and a lost one stays so until it hears something', () => {
  const it = live()
  it.tell(3, { type: 'paused' })
  it.tell(60, { type: 'network back' })
  assert.equal(it.status(60).kind, 'connecting')
  it.tell(61, resumed)
  it.due(67)
  assert.deepEqual(it.status(67), { kind: 'lost', since: 100 })
  it.tell(68, { type: 'paused' })
  it.tell(70, resumed)
  assert.deepEqual(it.status(70), { kind: 'lost', since: 100 })
  it.tell(70.2, { type: 'stream heard' })
  assert.equal(it.status(70.2).kind, 'live')
})

test('when the network comes back a stream is tried immediately', () => {
  const it = live()
  for (let failure = 0; failure < 8; failure++) it.tell(1, failed)
  it.tell(3, { type: 'network back' })
  assert.equal(it.due(3).includes('open stream'), true)
})

/** Releases the places that a failed test still holds: their timers would keep this process alive. */
const releases: (() => void)[] = []
after(() => {
  for (const release of releases) release()
})

/** The storage that the tabs of a browser share, and their clock. */
function browser() {
  const entries = new Map<string, string>()
  const clock = { now: 1_000_000 }
  const storage = {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
  }
  const take = async (owner: string, pause = async (_ms: number) => {}) => {
    const place = await takeLease({ storage, owner, lost: () => {}, now: () => clock.now, pause })
    if (typeof place === 'function') releases.push(place)
    return place
  }
  return { entries, clock, storage, take }
}

async function takeFour(take: (owner: string) => ReturnType<typeof takeLease>) {
  const taken = []
  for (const owner of ['a', 'b', 'c', 'd']) {
    const place = await take(owner)
    assert.ok(typeof place === 'function', owner)
    taken.push(place)
  }
  return taken
}

test('four tabs hold a place; the fifth is refused, and then gets a place that is released', async () => {
  const { take } = browser()
  const [first, ...others] = await takeFour(take)
  assert.equal(await take('e'), 'crowded')
  first?.()
  const place = await take('e')
  assert.ok(typeof place === 'function')
  for (const release of [place, ...others]) release()
})

test('the places of tabs that ended without releasing them become free', async () => {
  const { take, clock } = browser()
  const ended = await takeFour(take)
  clock.now += leaseMs - 1
  assert.equal(await take('e'), 'crowded')
  clock.now += 1
  for (const release of [...(await takeFour(take)), ...ended]) release()
})

test('a place that was held when the clock was set back an hour is free', async () => {
  const { take, clock } = browser()
  const held = await takeFour(take)
  clock.now -= 3_600_000
  for (const release of [...(await takeFour(take)), ...held]) release()
})

test('of two tabs that take a place at the same moment, the last to write has it', async () => {
  const { take, storage, entries, clock } = browser()
  const overwrite = async () => {
    for (const key of entries.keys())
      storage.setItem(key, JSON.stringify({ owner: 'b', until: clock.now + leaseMs }))
  }
  assert.equal(await take('a', overwrite), 'crowded')
})

test('what is not a lease holds no place', async () => {
  const { take, storage } = browser()
  for (const [place, text] of ['', '{', '7', '{"owner":1,"until":2}'].entries())
    storage.setItem(`balance-board stream ${place + 1}`, text)
  for (const release of await takeFour(take)) release()
})
