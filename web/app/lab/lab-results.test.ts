import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localFigures, plainFigures } from '../ui/formats.ts'
import { experimentNames } from './experiments.ts'
import {
  bestOf,
  careText,
  confirmedChoices,
  evennessOf,
  movedOf,
  msText,
  noWatch,
  percentile,
  presentServers,
  seenText,
  serversOf,
  watchRun,
} from './lab-results.ts'
import { emptyTally, type Tallies, type Tally, withOutcome } from './lab-run.ts'
import { presetOf } from './lab-setup.ts'

const names = ['web-1', 'web-2', 'web-3']
const servers = names.map(name => ({ srv_id: `id of ${name}`, name }))

/** A tally with this many visits at each server. */
function tallyOf(counts: number[], more: Partial<Tally> = {}): Tally {
  const tally = counts.reduce((known, count, place) => {
    const { srv_id = '', name = '' } = servers[place] ?? {}
    const measured = { visitor: null, ms: 2, retries: 0, unplanned: 0, slow: false, consistent: null }
    const visits = Array.from({ length: count }, () => ({ srv_id, server: name, ...measured }))
    return visits.reduce((sum, visit) => withOutcome(sum, { kind: 'answered', ...visit }), known)
  }, emptyTally)
  return { ...tally, ...more }
}

const moved = (yes: number, no: number) =>
  Object.fromEntries(Array.from({ length: yes + no }, (_, place) => [`visitor-${place}`, place < yes]))

test('a percentile is one of the values, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, place) => 100 - place)
  assert.deepEqual([percentile(hundred, 0.5), percentile(hundred, 0.99)], [50, 99])
  assert.deepEqual([percentile([10, 9], 0.5), percentile([9, 10], 0.99)], [9, 10])
  assert.deepEqual([percentile([7], 0.5), percentile([7], 0.99), percentile([], 0.5)], [7, 7, null])
  assert.equal(percentile([100, 20, 3], 0.5), 20)
  const plain = [9.94, 9.96, 410.4, null].map(ms => msText(ms, plainFigures))
  assert.deepEqual(plain, ['9.9', '10', '410', '–'])
  assert.deepEqual(
    [9.94, 2020].map(ms => msText(ms, localFigures('de-DE'))),
    ['9,9', '2.020'],
  )
})

test('evenness is Jain’s index over all servers, also those that got nothing', () => {
  assert.equal(evennessOf(tallyOf([20, 20, 20]), servers), 1)
  assert.equal(evennessOf(tallyOf([60]), servers), 0.33)
  assert.equal(evennessOf(emptyTally, servers), null)
})

test('policies whose evenness looks equal are equal: in bold, in the sentence and in what is confirmed', () => {
  const setup = preset('fair-shares')
  // 100 %, 99.8 % and 99.5 %
  const tallies = {
    round_robin: tallyOf([20, 20, 20]),
    least_conn: tallyOf([21, 20, 19]),
    random_two: tallyOf([19, 22, 19]),
  }
  assert.deepEqual(bestOf(tallies, setup, servers), [])
  assert.equal(seen(tallies, setup), 'All had the same evenness: 100%.')
  assert.deepEqual(confirmedChoices({ tallies, earlier: {} }, setup, servers), [0, 1, 2])
  const uneven = { ...tallies, random_two: tallyOf([30, 18, 12]), hash: tallyOf([30, 18, 12]) }
  assert.deepEqual(bestOf(uneven, setup, servers), ['round_robin', 'least_conn'])
  assert.equal(
    seen(uneven, setup),
    'Round robin and least connections were the most even (100%), two random choices and the hash of a key the least (88%).',
  )
  assert.deepEqual(confirmedChoices({ tallies: uneven, earlier: {} }, setup, servers), [0, 1])
})

test('moved visitors are counted of those who had been here before', () => {
  assert.deepEqual(movedOf(tallyOf([], { moved: moved(3, 7) })), { moved: 3, of: 10 })
  assert.deepEqual(movedOf(emptyTally), { moved: 0, of: 0 })
})

test('servers that have not gone have a bar before any visit', () => {
  const states = ['up', 'lost', 'stopped', 'joining', 'draining'] as const
  const known = states.map(state => ({ srv_id: `id of ${state}`, name: state, state }))
  assert.deepEqual(
    presentServers(known).map(({ name }) => name),
    ['up', 'joining', 'draining'],
  )
})

test('a run keeps the servers that it began with, and those that answered', () => {
  const began = servers.slice(0, 1)
  const shown = (tallies: Tallies) => serversOf({ servers: began, tallies }).map(({ name }) => name)
  assert.deepEqual(shown({}), ['web-1'])
  assert.deepEqual(shown({ hash: tallyOf([0, 1]) }), ['web-1', 'web-2'])
  assert.equal(evennessOf(tallyOf([20]), serversOf({ servers: began, tallies: { hash: tallyOf([20]) } })), 1)
})

const preset = (name: Parameters<typeof presetOf>[0]) => presetOf(name, names)
const seen = (tallies: Tallies, setup: ReturnType<typeof preset>) =>
  seenText(tallies, setup, servers, plainFigures.percent)

test('the sentence names the most and the least even policy', () => {
  const setup = preset('fair-shares')
  const uneven = { round_robin: tallyOf([20, 20, 20]), hash: tallyOf([30, 18, 12]) }
  assert.equal(
    seen(uneven, setup),
    'Round robin was the most even (100%), the hash of a key the least (88%).',
  )
  const even = { round_robin: tallyOf([20, 20, 20]), least_conn: tallyOf([20, 20, 20]) }
  assert.equal(seen(even, setup), 'All had the same evenness: 100%.')
  assert.equal(seen({ hash: tallyOf([60]) }, setup), 'The hash of a key had an evenness of 33%.')
  assert.equal(seen({ hash: emptyTally }, setup), '')
})

test('the sentence of a slow server compares the shares that policies gave it', () => {
  const tallies = { round_robin: tallyOf([20, 20, 20]), least_conn: tallyOf([28, 5, 27]) }
  const setup = preset('slow-server')
  assert.equal(seen(tallies, setup), 'Least connections gave slow web-2 8% of visits, round robin 33%.')
  assert.equal(
    seen({ round_robin: tallyOf([1, 1, 1]), cookie: tallyOf([9]) }, setup),
    'Round robin gave slow web-2 33% of visits.',
  )
})

test('the sentence of a failing server says what visitors and what NGINX met', () => {
  const setup = preset('dead-server')
  const tallies = {
    round_robin: tallyOf([30, 30], { retries: 5 }),
    hash: tallyOf([40, 20], { retries: 1 }),
  }
  assert.equal(
    seen(tallies, setup),
    'No visit failed. Failed tries that NGINX hid: 5 for round robin and 1 for the hash of a key.',
  )
  assert.match(seen({ hash: tallyOf([1], { failed: 1 }) }, setup), /^1 visit failed\. /)
  const noneAnswered = { ...emptyTally, failed: 60 }
  assert.match(
    seen({ round_robin: noneAnswered, hash: tallyOf([60], { retries: 1 }) }, setup),
    /^60 visits failed\. .* hid: 1 for the hash of a key\.$/,
  )
})

test('the sentence of a run without an answer says so, in every experiment', () => {
  for (const experiment of experimentNames) {
    for (const more of [{ failed: 60 }, { unknown: 60 }])
      assert.equal(seen({ hash: { ...emptyTally, ...more } }, preset(experiment)), 'No visit was answered.')
    assert.equal(seen({}, preset(experiment)), '')
  }
})

test('the sentence of one address says how many servers were used', () => {
  const tallies = { ip_hash: tallyOf([0, 60]), hash: tallyOf([30, 18, 12]), cookie: tallyOf([60]) }
  assert.equal(
    seen(tallies, preset('one-office')),
    'IP hash sent all to web-2, the hash of a key used 3 servers and my cookie sent all to web-1.',
  )
})

test('the sentence of visitors who come back says who moved', () => {
  const tallies = {
    round_robin: tallyOf([30, 30], { moved: moved(10, 0) }),
    hash: tallyOf([30, 30], { moved: moved(3, 7) }),
    cookie: tallyOf([60], { moved: moved(0, 1) }),
    no_cookie: tallyOf([60]),
  }
  assert.equal(
    seen(tallies, preset('coming-back')),
    'Round robin moved 10 of 10 visitors, the hash of a key moved 3 of 10 visitors and my cookie moved 0 of 1 visitor.',
  )
})

test('the best are those with the least of what the experiment compares; none if all are equal', () => {
  const best = (tallies: Tallies, setup: ReturnType<typeof preset>) => bestOf(tallies, setup, servers)
  const even = tallyOf([20, 20, 20])
  assert.deepEqual(best({ round_robin: even, hash: tallyOf([60]) }, preset('fair-shares')), ['round_robin'])
  assert.deepEqual(best({ round_robin: even, hash: even }, preset('fair-shares')), [])
  assert.deepEqual(best({ round_robin: even }, preset('fair-shares')), [])
  const slow = {
    round_robin: tallyOf([20, 20, 20], { slow: 20 }),
    least_conn: tallyOf([28, 5, 27], { slow: 5 }),
    // Its visits do not meet slow servers, so it is not compared.
    cookie: tallyOf([60]),
  }
  assert.deepEqual(best(slow, preset('slow-server')), ['least_conn'])
  const retried = { round_robin: tallyOf([30, 30], { retries: 5 }), hash: tallyOf([30, 30], { retries: 1 }) }
  assert.deepEqual(best(retried, preset('dead-server')), ['hash'])
  const back = {
    hash: tallyOf([30, 30], { moved: moved(3, 7) }),
    cookie: tallyOf([60], { moved: moved(0, 1) }),
    no_cookie: tallyOf([60]),
  }
  assert.deepEqual(best(back, preset('coming-back')), ['cookie'])
})

test('figures confirm what the reader expected, or something else', () => {
  const confirmed = (tallies: Tallies, setup: ReturnType<typeof preset>, earlier: Tallies = {}) =>
    confirmedChoices({ tallies, earlier }, setup, servers)
  const even = tallyOf([20, 20, 20])
  const uneven = tallyOf([30, 18, 12])
  const fair = { round_robin: even, least_conn: even, random_two: uneven }
  assert.deepEqual(confirmed(fair, preset('fair-shares')), [0, 1])
  assert.deepEqual(confirmed({ round_robin: even }, preset('fair-shares')), [])
  const slow = preset('slow-server')
  assert.deepEqual(confirmed({ round_robin: even }, slow), [0])
  assert.deepEqual(confirmed({ round_robin: tallyOf([25, 10, 25]) }, slow), [1])
  assert.deepEqual(confirmed({ round_robin: tallyOf([29, 2, 29]) }, slow), [2])
  assert.deepEqual(confirmed({ hash: even }, slow), [])
  const dead = preset('dead-server')
  assert.deepEqual(confirmed({ hash: even }, dead), [0])
  assert.deepEqual(confirmed({ hash: tallyOf([20, 20], { failed: 5 }) }, dead), [1])
  assert.deepEqual(confirmed({ hash: tallyOf([20, 20], { failed: 20 }) }, dead), [2])
  // No page view meets the dead server, and without an answer nothing says what NGINX hid.
  assert.deepEqual(confirmed({ cookie: even, no_cookie: even }, dead), [])
  assert.deepEqual(confirmed({ hash: tallyOf([20, 20], { failed: 12 }), no_cookie: even }, dead), [2])
  assert.deepEqual(confirmed({ hash: even, cookie: tallyOf([40], { failed: 20 }) }, dead), [0])
  assert.deepEqual(confirmed({ hash: { ...emptyTally, failed: 60 } }, dead), [])
  assert.deepEqual(confirmed({ ip_hash: tallyOf([60]) }, preset('one-office')), [0])
  assert.deepEqual(confirmed({ ip_hash: even }, preset('one-office')), [2])
  const failing = { ...preset('coming-back'), fail: 'web-3' }
  const lastServers = { 'visitor-0': 'id of web-3', 'visitor-1': 'id of web-3', 'visitor-2': 'id of web-1' }
  const earlier = { hash: tallyOf([], { lastServers }) }
  const hash = (yes: number, no: number) => ({ hash: tallyOf([30, 30], { moved: moved(yes, no) }) })
  assert.deepEqual(confirmed(hash(2, 1), failing, earlier), [1])
  assert.deepEqual(confirmed(hash(0, 3), failing, earlier), [0])
  assert.deepEqual(confirmed(hash(3, 0), failing, earlier), [2])
  assert.deepEqual(confirmed(hash(2, 1), preset('coming-back'), earlier), [])
  // The first run, and a run that follows one in which that server failed: it had no visitor before.
  assert.deepEqual(confirmed(hash(0, 3), failing), [])
  assert.deepEqual(confirmed(hash(0, 3), { ...failing, fail: 'web-2' }, earlier), [])
  assert.deepEqual(confirmed({ hash: tallyOf([30, 30]) }, failing, earlier), [])
})

test('a server that is away, lost, restarted or new during a run makes its figures no fair comparison', () => {
  const now = (seconds: number) => new Date(Date.parse('2026-11-22T12:00:00Z') + seconds * 1000).toISOString()
  const row = (place: number, more: Partial<Parameters<typeof watchRun>[2][number]> = {}) => {
    const name = `web-${place}`
    return { id: place, srv_id: `id of ${name}`, name, state: 'up' as const, last_seen_at: now(0), ...more }
  }
  const all = [row(1), row(2), row(3)]
  const setup = preset('fair-shares')
  const under = { running: 'round_robin', setup } as const
  const over = { running: null, setup }
  const started = watchRun(noWatch, under, all, now(0))
  assert.deepEqual([started.running, started.away], [true, []])
  assert.equal(watchRun(started, under, all, now(1)), started)
  const cases = [
    [row(1), row(2), row(3, { last_seen_at: now(-3) })],
    [row(1), row(2), row(3, { state: 'lost' })],
    [row(1), row(2), row(3, { state: 'stopped' })],
    [row(1), row(2), row(3, { id: 7 })],
    [row(1), row(2), row(3, { state: 'lost' }), row(3, { id: 7 })],
  ]
  for (const rows of cases) {
    const away = watchRun(started, under, rows, now(0))
    assert.deepEqual(away.away, ['web-3'])
    // It stays so when the server is back, until the next run.
    const ended = watchRun(away, over, [row(1), row(2), row(3, { id: rows.at(-1)?.id ?? 3 })], now(1))
    assert.deepEqual(ended.away, ['web-3'])
    assert.deepEqual(watchRun(ended, under, rows.slice(0, 2), now(1)).away, [])
  }
  assert.deepEqual(watchRun(started, under, [...all, row(4)], now(0)).away, ['web-4'])
  // Lost from before to after the run, and still so in the next one.
  assert.deepEqual(watchRun(noWatch, under, [row(1, { state: 'lost' }), row(2)], now(0)).away, ['web-1'])
  // Silence shows after the run: only if it began before the end.
  const ended = watchRun(started, over, all, now(1))
  assert.deepEqual(watchRun(ended, over, all, now(2)), ended)
  const fresh = { last_seen_at: now(4) }
  assert.deepEqual(watchRun(ended, over, [row(1, fresh), row(2, fresh), row(3)], now(4)).away, ['web-3'])
  const later = [row(1, { last_seen_at: now(9) }), row(2, { last_seen_at: now(9) }), row(3, fresh)]
  assert.deepEqual(watchRun(ended, over, later, now(9)).away, [])
  assert.deepEqual(watchRun(ended, over, [...all, row(4)], now(2)).away, [])
  // The set-up names a server that is not there.
  const failing = { running: 'hash', setup: preset('dead-server') } as const
  assert.deepEqual(watchRun(noWatch, failing, [row(1), row(2)], now(0)).away, ['web-3'])
})

test('a server that drains during a run is known until the next one', () => {
  const at = '2026-11-22T12:00:00Z'
  const row = (place: number, state: 'up' | 'draining' = 'up') => {
    const name = `web-${place}`
    return { id: place, srv_id: `id of ${name}`, name, state, last_seen_at: at }
  }
  const [up, drains] = [
    [row(1), row(2)],
    [row(1), row(2, 'draining')],
  ]
  const under = { running: 'no_cookie', setup: preset('one-office') } as const
  const over = { ...under, running: null }
  const started = watchRun(noWatch, under, up, at)
  const drained = watchRun(started, under, drains, at)
  assert.deepEqual([started.draining, drained.draining, drained.away], [[], ['web-2'], []])
  assert.equal(watchRun(drained, under, drains, at), drained)
  const ended = watchRun(watchRun(drained, under, up, at), over, up, at)
  assert.deepEqual(ended.draining, ['web-2'])
  assert.deepEqual(watchRun(ended, under, up, at).draining, [])
  assert.deepEqual(watchRun(ended, under, drains, at).draining, ['web-2'])
  // A drain that begins after the run has no part in it.
  assert.deepEqual(watchRun(watchRun(started, over, up, at), over, drains, at).draining, [])
})

test('care: what was away or drained, or failures that the set-up does not explain', () => {
  const even = { round_robin: tallyOf([20, 20, 20]) }
  const care = (
    tallies: Tallies,
    away: string[] = [],
    name: Parameters<typeof presetOf>[0] = 'fair-shares',
    draining: string[] = [],
  ) => careText(tallies, preset(name), servers, { away, draining })
  assert.equal(care(even), '')
  assert.equal(care(even, ['web-3']), 'web-3 was away during this run: compare with care.')
  assert.equal(
    care(even, ['web-2', 'web-3']),
    'web-2 and web-3 were away during this run: compare with care.',
  )
  // Only page views are balanced by it.
  assert.equal(care(even, [], 'fair-shares', ['web-2']), '')
  assert.equal(
    care(even, [], 'one-office', ['web-2']),
    'web-2 was draining during this run: compare with care.',
  )
  assert.equal(
    care(even, ['web-3'], 'one-office', ['web-2', 'web-3']),
    'web-3 was away and web-2 was draining during this run: compare with care.',
  )
  const unexplained = 'Some tries failed that were not to fail: compare with care.'
  for (const more of [{ retries: 1 }, { failed: 1 }, { unknown: 1 }]) {
    assert.equal(care({ ...even, hash: tallyOf([60], more) }), unexplained)
    assert.equal(care({ hash: tallyOf([60], more) }, [], 'slow-server'), unexplained)
  }
  // One server is to fail. NGINX hides that, unless there is no other server, or others do not answer.
  const withDead = (more: Partial<Tally>, policy: 'hash' | 'no_cookie' = 'hash', of = servers) =>
    careText({ [policy]: tallyOf([60], more) }, preset('dead-server'), of, noWatch)
  assert.equal(withDead({ retries: 5 }), '')
  for (const more of [{ retries: 5, unplanned: 1 }, { failed: 1 }, { unknown: 1 }])
    assert.equal(withDead(more), unexplained)
  const alone = servers.slice(2)
  assert.equal(withDead({ failed: 60 }, 'hash', alone), '')
  assert.equal(withDead({ failed: 1 }, 'no_cookie', alone), unexplained)
})
