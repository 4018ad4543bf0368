import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../shared/api.ts'
import { PageTemplates } from './page-templates.ts'

const server = { id: 1, name: 'web-1', address: '127.0.0.1:3001', srv_id: 'a'.repeat(32) }
const values = {
  nonce: '',
  hit: '',
  counter: '',
  client_ip: '',
  at: '',
  at_text: '',
  arrival: '',
  arrival_text: '',
  moved_text: '',
  cookie: '',
  origin: '',
}

function snapshot(counter: number): Snapshot {
  return { counter, at: '', servers: [], earlier_hits: 0, log: [] }
}

/** Pages that print the counter they were rendered from, and every token. */
function pagesFrom(source: () => Promise<Snapshot>) {
  let renderings = 0
  const pages = new PageTemplates({
    snapshot: source,
    async renderPage({ visit, snapshot: shown }, headers) {
      renderings++
      return `counter ${shown.counter} ${Object.values(visit ?? {}).join('')}${headers['content-security-policy']}`
    },
    server,
    stickySeconds: 300,
    development: false,
  })
  const shown = async () => (await pages.current()).template.fill(values).split(' ')[1]
  return { pages, shown, renderings: () => renderings }
}

test('many visitors share one rendering', async () => {
  const { pages, renderings } = pagesFrom(async () => snapshot(1))
  await Promise.all(Array.from({ length: 20 }, () => pages.current()))
  await pages.current()
  assert.equal(renderings(), 1)
})

test('a page that has aged is rendered anew, but not from the same snapshot again', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  let latest = snapshot(1)
  const { shown, renderings } = pagesFrom(async () => latest)
  assert.equal(await shown(), '1')
  now = 1100
  assert.equal(await shown(), '1')
  assert.equal(renderings(), 1)
  latest = snapshot(2)
  now = 2200
  assert.equal(await shown(), '2')
  assert.equal(renderings(), 2)
})

test('nobody waits for the next page while the last one is less than a second old', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const next = Promise.withResolvers<Snapshot>()
  let read = async () => snapshot(1)
  const { shown } = pagesFrom(() => read())
  assert.equal(await shown(), '1')
  read = () => next.promise
  now = 600
  assert.equal(await shown(), '1')
  next.resolve(snapshot(2))
  await new Promise(setImmediate)
  assert.equal(await shown(), '2')
})

test('a next page that fails while nobody waits for it hurts nobody', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  let read = async () => snapshot(1)
  const { shown } = pagesFrom(() => read())
  await shown()
  now = 600
  read = () => Promise.reject(new Error('away'))
  assert.equal(await shown(), '1')
  await new Promise(setImmediate)
  assert.equal(await shown(), '1')
})

test('without a newer snapshot the last page is shown', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  let read = async () => snapshot(1)
  const { shown } = pagesFrom(() => read())
  await shown()
  now = 1100
  read = () => Promise.reject(new Error('away'))
  assert.equal(await shown(), '1')
})

test('a database that hangs does not hold up the page', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  let read = async () => snapshot(1)
  const { shown } = pagesFrom(() => read())
  await shown()
  now = 1100
  read = () => new Promise(() => {})
  assert.equal(await shown(), '1')
})

test('a first page that cannot be rendered is an error', async () => {
  const { pages } = pagesFrom(() => Promise.reject(new Error('away')))
  await assert.rejects(pages.current(), /away/)
})
