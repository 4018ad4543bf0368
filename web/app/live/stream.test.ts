import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { leaseMs, takeLease } from './stream.ts'

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
