import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import {
  type LiveBoard,
  startBoard,
  withOutage,
  withoutAnswer,
  withoutWatch,
  withSnapshot,
} from '../live/live-board.ts'
import { plainFormats } from '../ui/formats.ts'
import { eventText } from './event-text.ts'

const noon = Date.parse('2026-11-22T12:00:00.000Z')
/** Seconds after noon as a time */
const at = (seconds: number) => new Date(noon + seconds * 1000).toISOString()

/** What differs from a server that is up and was seen just now; null = not in the snapshot */
type Difference = (Partial<Omit<ServerRow, 'last_seen_at'>> & { seen?: number }) | null

/** A snapshot of web-1, web-2 and web-3, and more if named. */
function snapshotAt(seconds: number, differences: Record<string, Difference> = {}): Snapshot {
  const names = [...new Set(['web-1', 'web-2', 'web-3', ...Object.keys(differences)])]
  const servers = names.flatMap((name, place) => {
    const difference = differences[name]
    if (difference === null) return []
    const { seen = seconds, ...fields } = difference ?? {}
    const own = { id: place + 1, srv_id: name, name, started_at: at(-3600), last_seen_at: at(seen) }
    return [sampleServerRow({ ...own, ...fields })]
  })
  return { counter: 0, at: at(seconds), servers, earlier_hits: 0, log: [] }
}

/** An open page: `see` is the next snapshot. */
function openPage(differences: Record<string, Difference> = {}, ownSrvId = 'none') {
  let board: LiveBoard = startBoard(snapshotAt(0, differences))
  const page = {
    see(seconds: number, more: Record<string, Difference> = {}) {
      board = withSnapshot(board, snapshotAt(seconds, more))
      return page
    },
    see2(snapshot: Snapshot) {
      board = withSnapshot(board, snapshot)
      return page
    },
    outage(since: number) {
      board = withOutage(board, { since: at(since) })
      return page
    },
    hide() {
      board = withoutWatch(board)
      return page
    },
    silence() {
      board = withoutAnswer(board)
      return page
    },
    get event() {
      return board.events.last
    },
    /** the line, its parts joined; the time as seconds after noon */
    get line() {
      const event = board.events.last
      if (!event) return ''
      const text = eventText(event, {
        snapshot: board.snapshot,
        ownSrvId,
        openedAt: at(0),
        formats: plainFormats,
      })
      const since = text.since && `Since ${(Date.parse(text.since) - noon) / 1000}.`
      return [text.what, since, text.passing, text.more, text.cost].filter(part => part).join(' ')
    },
    get shownAt() {
      const shown = board.events.last?.at ?? null
      return shown === null ? null : (Date.parse(shown) - noon) / 1000
    },
  }
  return page
}

const killed = { id: 23, restart: 'killed', restarted_at: at(3.3), started_at: at(3.3) } as const

test('a quiet page has no event, whatever is counted', () => {
  const page = openPage()
    .see(1, { 'web-1': { moved_hits: 5, errors: 3 } })
    .see(2)
  assert.equal(page.event, null)
})

test('a server that ends: silent, then lost, with what it cost since its last heartbeat', () => {
  const page = openPage()
    .see(1)
    .see(2, { 'web-1': { moved_hits: 2 } })
    .see(4, { 'web-3': { seen: 1 }, 'web-1': { moved_hits: 4 } })
  assert.equal(
    page.line,
    'web-3 is silent. No heartbeat for 3 s. Its visitors go to web-1 and web-2 if it does not answer. 4 moved · 0 failed',
  )
  page.see(9, { 'web-3': { seen: 1, state: 'lost' }, 'web-1': { moved_hits: 13, errors: 1 } })
  assert.equal(
    page.line,
    'web-3 is lost. No heartbeat for 8 s. Its visitors now go to web-1 and web-2. 13 moved · 1 failed',
  )
  assert.equal(page.shownAt, 9)
  for (const seconds of [15, 20])
    page.see(seconds, { 'web-3': { seen: 1, state: 'lost' }, 'web-1': { moved_hits: 14, errors: 1 } })
  assert.equal(
    page.line,
    'web-3 is lost. No heartbeat for 19 s. Its visitors now go to web-1 and web-2. 14 moved · 1 failed',
  )
  page.see(62, { 'web-3': null, 'web-1': { moved_hits: 14, errors: 1 } })
  assert.equal(page.line, 'web-3 is lost. Its visitors now go to web-1 and web-2. 14 moved · 1 failed')
})

test('the reader’s own server: the next visit goes elsewhere', () => {
  const page = openPage({}, 'web-1').see(9, { 'web-1': { seen: 1, state: 'lost' } })
  assert.match(page.line, /It answered you: your next visit goes to another server\./)
  const late = { seen: 1 }
  const both = openPage({}, 'web-2').see(4, { 'web-1': late, 'web-2': late })
  assert.match(both.line, /are silent\. .* web-2 answered you: your next visit may go to another server\./)
  const lost = { seen: 1, state: 'lost' } as const
  both.see(8, { 'web-1': lost, 'web-2': lost })
  assert.match(both.line, /are lost\. .* web-2 answered you: your next visit goes to another server\./)
})

test('the reader’s own server, killed, silent or lost before the HTML was made: it has answered since', () => {
  const killedBefore = { id: 23, restart: 'killed', restarted_at: at(-1), started_at: at(-1) } as const
  const before: Record<string, Difference> = {
    killed: { ...killedBefore, state: 'joining' },
    silent: { seen: -4 },
    lost: { seen: -10, state: 'lost' },
  }
  for (const [kind, difference] of Object.entries(before)) {
    const own = openPage({ 'web-2': difference }, 'web-2')
    assert.equal(own.event?.kind, kind)
    assert.match(own.line, /It has answered you since\./)
    assert.doesNotMatch(own.line, /next visit|visitors (?:now )?go to/)
    assert.doesNotMatch(openPage({ 'web-2': difference }, 'web-1').line, /It (?:has )?answered you/)
  }
  // What happens to it after the visit is news for the reader.
  const page = openPage({ 'web-2': { ...killedBefore, state: 'joining' } }, 'web-2')
  page.see(2, { 'web-2': killedBefore }).see(12, { 'web-2': { ...killedBefore, seen: 2, state: 'lost' } })
  assert.match(page.line, /It answered you: your next visit goes to another server\./)
})

test('a frozen server that goes on is back, and the line keeps what it cost', () => {
  const page = openPage()
    .see(4, { 'web-2': { seen: 0 } })
    .see(7, { 'web-2': { seen: 0, state: 'lost' }, 'web-1': { moved_hits: 12 } })
    .see(11, { 'web-2': { seen: 10.5 }, 'web-1': { moved_hits: 12 } })
  assert.equal(page.line, 'web-2 is back after 11 s of silence. 12 moved · 0 failed')
  page.see(30, { 'web-1': { moved_hits: 90, errors: 9 } })
  assert.equal(
    page.line,
    'web-2 is back after 11 s of silence. 12 moved · 0 failed',
    'after its end nothing adds up',
  )
  assert.equal(page.event?.settled, true)
})

test('a killed server that starts again, seen at every step', () => {
  const page = openPage()
    .see(2)
    .see(3.5, { 'web-2': { ...killed, state: 'joining' }, 'web-1': { moved_hits: 3 } })
  assert.equal(
    page.line,
    'web-2 was killed and is starting again. Its visitors now go to web-1 and web-3. 3 moved · 0 failed',
  )
  page.see(4, { 'web-2': killed, 'web-1': { moved_hits: 3 } })
  assert.match(page.line, /^web-2 was killed and restarted within \d\.\d s\. 3 moved · 0 failed$/)
})

test('a killed server that was silent first: its absence began with its last heartbeat', () => {
  const page = openPage()
    .see(3.2, { 'web-2': { seen: 0 } })
    .see(3.5, { 'web-2': { ...killed, state: 'joining' } })
    .see(4, { 'web-2': killed })
  assert.equal(page.line, 'web-2 was killed and restarted within 4.0 s. 0 moved · 0 failed')
})

test('a server that stops in order, and another that joins', () => {
  const page = openPage().see(1, { 'web-3': { state: 'stopped' } })
  assert.equal(
    page.line,
    'web-3 stopped in order. Its visitors now go to web-1 and web-2. 0 moved · 0 failed',
  )
  page.see(10, { 'web-3': null, 'web-4': { state: 'joining' } })
  assert.match(page.line, /^web-3 stopped/)
  page.see(11, { 'web-3': null, 'web-4': {} })
  assert.equal(page.line, 'web-4 started.')
})

test('a drain, and its end', () => {
  const page = openPage().see(1, { 'web-2': { state: 'draining' } })
  assert.equal(
    page.line,
    'web-2 is draining. Its visitors stay; new ones go to web-1 and web-3. 0 moved · 0 failed',
  )
  for (const seconds of [9, 18]) page.see(seconds, { 'web-2': { state: 'draining' } })
  page.see(26)
  assert.equal(page.line, 'web-2 takes new visitors again. It was draining for 25 s. 0 moved · 0 failed')
  const drain = { state: 'draining' } as const
  const both = openPage()
  for (const seconds of [1, 11]) both.see(seconds, { 'web-1': drain, 'web-2': drain })
  both.see(21)
  assert.match(both.line, /^web-1 and web-2 take new visitors again\. They were draining for 20 s\./)
})

test('when the last server drains, all are draining', () => {
  const page = openPage()
  const drained: Record<string, Difference> = {}
  for (const [place, name] of ['web-1', 'web-2', 'web-3'].entries()) {
    drained[name] = { state: 'draining' }
    page.see(place + 1, drained)
  }
  assert.equal(page.line, 'All servers are draining. They still answer, new visitors too, until they stop.')
})

test('the database does not answer, and then does', () => {
  const page = openPage().see(9.8).outage(9.8)
  assert.equal(
    page.line,
    'Database not answering. Since 9.8. Page views may fail until it does. This page catches up by itself.',
  )
  const late = { seen: 9 }
  page.outage(9.8).see(15.8, { 'web-1': late, 'web-2': late, 'web-3': late })
  assert.equal(page.line, 'Database answered again after 6.0 s.', 'the servers have not reported yet')
  page.see(16, { 'web-1': { errors: 30 }, 'web-2': late })
  assert.equal(page.line, 'Database answered again after 6.0 s.', 'nor all of them')
  page.see(17, { 'web-1': { errors: 30 }, 'web-2': { errors: 18 } })
  assert.equal(
    page.line,
    'Database answered again after 6.0 s. 48 page views failed; no counted visit was lost.',
  )
})

test('of a database that comes back with fewer hits, the line does not say that no visit was lost', () => {
  const page = openPage()
    .see2({ ...snapshotAt(9.8), counter: 90 })
    .outage(9.8)
  const failed = { 'web-1': { errors: 30 }, 'web-2': { errors: 18 } }
  for (const seconds of [16, 18]) page.see2({ ...snapshotAt(seconds, failed), counter: 80 })
  assert.equal(page.line, 'Database answered again after 6.2 s.')
})

test('after an outage the servers’ silence was the database’s', () => {
  const seen = { seen: 9 }
  const page = openPage().see(9.8).outage(9.8)
  page.see(16, { 'web-1': { ...seen, state: 'lost' }, 'web-2': { ...seen, state: 'lost' } })
  assert.match(page.line, /^Database answered again after 6\.2 s/)
  page.see(17, { 'web-1': { seen: 16.5 } })
  assert.match(page.line, /^Database answered again/)
  page.see(20, { 'web-3': { ...seen, state: 'lost' } })
  assert.match(page.line, /^web-3 is lost\. No heartbeat for 11 s\./, 'a server that stays away is lost')
})

test('a snapshot from before the outage does not end it', () => {
  const page = openPage().see(9.8).outage(9.8).see(10)
  assert.match(page.line, /^Database not answering/)
})

test('no server reaches the page, and then one does, with what happened meanwhile', () => {
  const page = openPage().see(5).silence()
  assert.equal(
    page.line,
    'No answer from any server. Since 5. This page keeps trying, and catches up by itself.',
  )
  assert.equal(openPage().see(5).silence().see(13).line, 'Connected again after 8.0 s.')
  page.see(13, { 'web-3': { seen: 4, state: 'lost' } })
  assert.equal(
    page.line,
    'web-3 is lost. No heartbeat for 9 s. Its visitors now go to web-1 and web-2. Also: connected again. 0 moved · 0 failed',
  )
})

test('the database goes, then every server, and then a server answers before the database does', () => {
  const page = openPage().see(9.8).outage(9.8)
  const away = page.line
  assert.match(page.silence().line, /^No answer from any server\./)
  assert.equal(page.outage(9.8).line, away)
  assert.equal(page.outage(9.8).line, away)
  assert.match(page.see(16).line, /^Database answered again after 6\.2 s\./)
})

test('a page that was only busy itself missed nothing: the event before stays', () => {
  const page = openPage().see(1, { 'web-2': { state: 'draining' } })
  const before = page.line
  page.silence()
  assert.match(page.line, /^No answer/)
  assert.equal(page.see(1.3, { 'web-2': { state: 'draining' } }).line, before)
})

test('several servers within moments are one event', () => {
  const page = openPage()
    .see(4, { 'web-1': { seen: 1 } })
    .see(4.5, { 'web-1': { seen: 1 }, 'web-2': { seen: 1.4 } })
  assert.match(page.line, /^web-1 and web-2 are silent\. No heartbeat for 3 s\. Their visitors go to web-3/)
  page.see(7.1, { 'web-1': { seen: 1, state: 'lost' }, 'web-2': { seen: 1.4 } })
  page.see(7.5, { 'web-1': { seen: 1, state: 'lost' }, 'web-2': { seen: 1.4, state: 'lost' } })
  assert.equal(
    page.line,
    'web-1 and web-2 are lost. No heartbeat for 6 s. Their visitors now go to web-3. 0 moved · 0 failed',
  )
})

test('a less urgent event is added at first, and replaces the line later', () => {
  const lost = { seen: 1, state: 'lost' } as const
  const page = openPage().see(7.5, { 'web-3': lost })
  page.see(8, { 'web-3': lost, 'web-2': { state: 'draining' } })
  assert.match(page.line, /^web-3 is lost\. .* Also: web-2 draining\. 0 moved/)
  page.see(12, { 'web-3': lost })
  assert.match(page.line, /^web-2 takes new visitors again\. .* web-3 is still lost\./)
})

test('an update of all servers, one after the other', () => {
  const page = openPage({ 'web-4': {} })
  const done: Record<string, Difference> = {}
  for (const [place, name] of ['web-1', 'web-2', 'web-3'].entries()) {
    const start = 1 + place * 6
    page.see(start, { ...done, [name]: { state: 'stopped' }, 'web-4': { moved_hits: place } })
    assert.match(page.line, new RegExp(`^${name} stopped in order`))
    const startedAt = at(start + 2)
    const fields = {
      id: 20 + place,
      restart: 'stopped',
      restarted_at: startedAt,
      started_at: startedAt,
    } as const
    page.see(start + 3, {
      ...done,
      [name]: { ...fields, state: 'joining' },
      'web-4': { moved_hits: place + 1 },
    })
    done[name] = fields
    page.see(start + 4, { ...done, 'web-4': { moved_hits: place + 1 } })
  }
  assert.equal(page.line, 'web-1, web-2 and web-3 were restarted. 3 moved · 0 failed')
})

test('a page opened in the middle says what its snapshot alone says, and no cost that it cannot know', () => {
  const lost = openPage({ 'web-3': { seen: -8, state: 'lost' } })
  assert.equal(lost.line, 'web-3 is lost. No heartbeat for 8 s. Its visitors now go to web-1 and web-2.')
  assert.equal(lost.shownAt, -2)
  assert.equal(lost.see(2).line, 'web-3 is back after 10 s of silence.')
  assert.match(openPage({ 'web-3': { seen: -4 } }).line, /^web-3 is silent\. No heartbeat for 4 s\./)
  const draining = openPage({ 'web-3': { state: 'draining' } })
  assert.equal(draining.line, 'web-3 is draining. Its visitors stay; new ones go to web-1 and web-2.')
  assert.equal(draining.shownAt, null)
  assert.equal(draining.see(3).line, 'web-3 takes new visitors again.')
  const restarted = { ...killed, restarted_at: at(-20) }
  assert.equal(openPage({ 'web-3': restarted }).line, 'web-3 was killed and restarted.')
  assert.equal(openPage({ 'web-3': { ...killed, restarted_at: at(-70) } }).event, null, 'that is no news')
  assert.match(
    openPage({ 'web-3': { ...restarted, state: 'joining' } }).line,
    /^web-3 was killed and is starting again\./,
  )
})

test('a page opened in the middle names what lasts first, and what is over behind it', () => {
  const killedBefore = { ...killed, restarted_at: at(-40), started_at: at(-40) }
  const page = openPage({ 'web-1': { seen: -9, state: 'lost' }, 'web-2': killedBefore })
  assert.equal(
    page.line,
    'web-1 is lost. No heartbeat for 9 s. Its visitors now go to web-2 and web-3. Also: web-2 killed and restarted.',
  )
  const restarted = { ...killedBefore, restart: 'stopped' } as const
  const draining = openPage({ 'web-1': { state: 'draining' }, 'web-2': restarted, 'web-3': restarted })
  assert.equal(
    draining.line,
    'web-1 is draining. Its visitors stay; new ones go to web-2 and web-3. Also: web-2 and web-3 restarted.',
  )
})

test('a page opened within a heartbeat of the end knows what it cost', () => {
  const page = openPage({ 'web-3': { seen: -1.5 } }).see(2, {
    'web-3': { seen: -1.5 },
    'web-1': { moved_hits: 4 },
  })
  assert.match(page.line, /4 moved · 0 failed$/)
})

test('a laptop that slept: what is so now, without a cost from the time in between', () => {
  const page = openPage().see(1)
  page.see(3600, { 'web-3': { seen: 3592, state: 'lost' }, 'web-1': { moved_hits: 900, errors: 50 } })
  assert.equal(page.line, 'web-3 is lost. No heartbeat for 8 s. Its visitors now go to web-1 and web-2.')
  const restarted = { ...killed, restarted_at: at(3590), started_at: at(3590) }
  assert.equal(
    openPage()
      .see(1)
      .see(3600, { 'web-3': restarted, 'web-1': { errors: 50 } }).line,
    'web-3 was killed and restarted.',
  )
})

test('a page that saw an event begin does not blame it for what happened while its tab was hidden', () => {
  const later = { 'web-1': { moved_hits: 900, errors: 50 } }
  const silent = () => openPage().see(4, { 'web-3': { seen: 0 } })
  assert.equal(silent().see(3600, later).line, 'web-3 is back.')
  const restarted = { ...killed, restarted_at: at(8), started_at: at(8) }
  assert.equal(silent().see(3600, { ...later, 'web-3': restarted }).line, 'web-3 was killed and restarted.')
  const starting = openPage().see(4, { 'web-3': { ...killed, state: 'joining' } })
  assert.equal(starting.see(3600, { ...later, 'web-3': killed }).line, 'web-3 was killed and restarted.')
  const draining = () => openPage().see(1, { 'web-3': { state: 'draining' } })
  assert.equal(draining().see(3600, later).line, 'web-3 takes new visitors again.')
  const lost = { seen: 0, state: 'lost' } as const
  const still = openPage()
    .see(9, { 'web-3': lost })
    .see(3600, { ...later, 'web-3': lost })
  assert.equal(still.line, 'web-3 is lost. No heartbeat for 1 h. Its visitors now go to web-1 and web-2.')
  assert.equal(still.see(3600.5, { ...later, 'web-3': lost }).event?.cost, null)
  const over = silent().see(5, { 'web-1': { moved_hits: 7 } })
  assert.equal(over.see(3600, later).line, 'web-3 is back after 5.0 s of silence. 7 moved · 0 failed')
})

test('nor for when something began meanwhile', () => {
  const later = { 'web-1': { moved_hits: 900, errors: 50 } }
  const page = openPage()
    .see(1)
    .see(3600, { ...later, 'web-3': { state: 'draining' } })
  assert.equal(page.line, 'web-3 is draining. Its visitors stay; new ones go to web-1 and web-2.')
  assert.equal(page.see(3603, later).line, 'web-3 takes new visitors again.')
  page.see(7200, { ...later, 'web-3': { state: 'stopped' } })
  assert.equal(page.line, 'web-3 stopped in order. Its visitors now go to web-1 and web-2.')
  const restarted = { ...killed, restarted_at: at(4), started_at: at(4) }
  const quick = openPage()
    .see(1)
    .see(3600, { ...later, 'web-3': restarted })
  assert.equal(quick.line, 'web-3 was killed and restarted.')
})

test('a quick change of tabs costs the line nothing', () => {
  const page = openPage()
    .see(4, { 'web-3': { seen: 1 } })
    .hide()
  page.see(13, { 'web-1': { moved_hits: 7 } })
  assert.equal(page.line, 'web-3 is back after 12 s of silence. 7 moved · 0 failed')
})

test('an outage that ended while the tab was hidden: no duration, and no failures of other times', () => {
  const failed = { 'web-1': { errors: 30 }, 'web-2': { errors: 18 } }
  const hidden = () => openPage().see(9.8).outage(9.8).hide()
  assert.equal(hidden().see(3600, failed).see(3602, failed).line, 'Database answered again.')
  const same = hidden().outage(9.8)
  assert.match(same.line, /^Database not answering\. Since 9\.8\./)
  assert.equal(
    same.see(16, failed).line,
    'Database answered again after 6.2 s. 48 page views failed; no counted visit was lost.',
  )
  const another = hidden().outage(3000)
  assert.match(another.line, /^Database not answering\. Since 3000\./)
  assert.equal(another.see(3006, failed).line, 'Database answered again after 6.0 s.')
  const first = openPage().see(1).hide().outage(3000).see(3006, failed)
  assert.equal(first.line, 'Database answered again after 6.0 s.')
})

test('a database whose clock is set back: no server is silent, and durations stay honest', () => {
  const page = openPage().see(4, { 'web-3': { seen: 0 } })
  for (const seconds of [-3600, -3599.5, -3599, -3598]) page.see(seconds)
  assert.equal(page.line, 'web-3 is back. 0 moved · 0 failed')
  page.see(-3590, { 'web-3': { seen: -3594 } })
  assert.match(page.line, /^web-3 is silent\. No heartbeat for 4 s\./)
})

test('a database whose clock is set back after an outage: a server that is lost then is reported', () => {
  const page = openPage().see(9.8).outage(9.8).see(16)
  for (const seconds of [-3584, -3583.5, -3583, -3582.5]) page.see(seconds)
  page.see(-3575, { 'web-3': { seen: -3582.5, state: 'lost' } })
  assert.match(page.line, /^web-3 is lost\./)
})

test('a database whose clock is set forward: all servers are silent until their next heartbeat, which is no event', () => {
  const late = { seen: 1, state: 'lost' } as const
  const page = openPage().see(1).see(3601, { 'web-1': late, 'web-2': late, 'web-3': late })
  page.see(3602, { 'web-1': { seen: 3602 }, 'web-2': { seen: 3601.5 }, 'web-3': { seen: 3601.5 } })
  assert.equal(page.event, null)
})

test('when no heartbeat gets through for longer, the page says so: a server that answers is not lost', () => {
  const seen = { seen: 1 }
  const all = { 'web-1': seen, 'web-2': seen, 'web-3': seen }
  const page = openPage().see(1).see(4, all).see(6.1, all)
  assert.match(page.line, /^No server has reported for some seconds\. One of them answers this page/)
  page.see(8)
  assert.equal(page.line, 'The servers report again.')
})

test('the counter and the log disagree, and agree again', () => {
  const page = openPage().see2({ ...snapshotAt(1), counter: 1 })
  assert.equal(
    page.line,
    'The counter, the log and the servers’ hits disagree. The badge at the top opens the audit.',
  )
  assert.equal(page.see(2).line, 'The counter, the log and the servers’ hits agree again.')
})

test('no servers: the last one stops', () => {
  const stopped = { state: 'stopped' } as const
  const page = openPage().see(1, { 'web-1': stopped, 'web-2': stopped, 'web-3': stopped })
  assert.match(page.line, /^No server is left\. The next server continues the count\./)
  assert.match(openPage({ 'web-1': null, 'web-2': null, 'web-3': null }).line, /^No server is left\./)
})

test('a row that vanishes and comes again after a restore is a restart, not a loss', () => {
  const page = openPage().see(1, { 'web-3': { id: 99 } })
  assert.match(page.line, /^web-3 was restarted\./)
})

test('many servers are counted, not listed', () => {
  const late = { seen: 1, state: 'lost' } as const
  const names = ['web-4', 'web-5', 'web-6', 'web-7', 'web-8', 'web-9']
  const page = openPage(Object.fromEntries(names.map(name => [name, {}])))
  page.see(8, Object.fromEntries(names.map(name => [name, late])))
  assert.match(page.line, /^6 servers are lost\. .* Their visitors now go to web-1, web-2 and web-3\./)
})
