import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { PageTemplates, ProblemPages } from './pages.ts'
import { shortenHtml } from './short-html.ts'
import { newNonce, Template } from './template.ts'

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
function pagesFrom(source: (maxAgeMs: number) => Promise<Snapshot>) {
  let renderings = 0
  const pages = new PageTemplates({
    snapshot: source,
    async renderPage({ visit, snapshot: shown }, headers) {
      renderings++
      return `counter ${shown.counter} ${Object.values(visit ?? {}).join('')}${headers['content-security-policy']}`
    },
    server,
    stickySeconds: 300,
    monitoring: { prometheus: null, grafana: null, hasAlerts: false },
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

test('an old page is rendered again, but not from the same snapshot', async t => {
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

test('no page view waits for the next page while the last one is less than a second old', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const next = Promise.withResolvers<Snapshot>()
  let read = async () => snapshot(1)
  const { shown } = pagesFrom(() => read())
  assert.equal(await shown(), '1')
  read = () => next.promise
  now = 950
  assert.equal(await shown(), '1')
  next.resolve(snapshot(2))
  await new Promise(setImmediate)
  assert.equal(await shown(), '2')
})

test('the next rendering begins in time to end before a page view waits for it, twice a second at the most', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const readingMs = [0, 100, 600, 0]
  const readings: { begunAt: number; maxAgeMs: number }[] = []
  const { pages } = pagesFrom(async maxAgeMs => {
    now += readingMs[readings.push({ begunAt: now, maxAgeMs }) - 1] ?? 0
    return snapshot(readings.length)
  })
  await pages.current()
  while (readings.length < readingMs.length && now < 10_000) {
    now += 10
    await pages.current()
    await new Promise(setImmediate)
  }
  // With the age of its snapshot a page shows what was true up to a second ago.
  assert.deepEqual(readings, [
    { begunAt: 0, maxAgeMs: 500 },
    { begunAt: 900, maxAgeMs: 100 },
    { begunAt: 1600, maxAgeMs: 300 },
    { begunAt: 2210, maxAgeMs: 500 },
  ])
})

test('a failed rendering has no effect if no page view waits for it', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  let read = async () => snapshot(1)
  const { shown } = pagesFrom(() => read())
  await shown()
  now = 950
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

test('without visits, too, the last page has the right servers and states, and figures of the last half minute', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const server = (name: string, id: number) =>
    sampleServerRow({ id, name, last_seen_at: new Date(now + 2000).toISOString() })
  let latest = snapshot(1)
  let read = async () => latest
  const { pages, shown, renderings } = pagesFrom(() => read())
  const follow = async (counter: number, servers: ServerRow[]) => {
    now += 2000
    latest = { ...snapshot(counter), at: new Date(now).toISOString(), servers }
    await pages.followServers()
    return renderings()
  }
  assert.equal(await follow(1, [server('web-1', 1)]), 1)
  assert.equal(await follow(2, [server('web-1', 1)]), 1)
  const silent = server('web-1', 1)
  assert.equal(await follow(3, [server('web-1', 1), server('web-2', 2)]), 2)
  assert.equal(await follow(4, [server('web-1', 1), server('web-2', 2)]), 2)
  assert.equal(await follow(5, [server('web-1', 1), server('web-2', 3)]), 3)
  now += 2000
  assert.equal(await follow(6, [silent, server('web-2', 3)]), 4)
  now += 28_000
  assert.equal(await follow(7, [silent, server('web-2', 3)]), 5)
  now += 60_000
  read = () => new Promise(() => {})
  assert.equal(await shown(), '7')
})

test('a first page that cannot be rendered is an error', async () => {
  const { pages } = pagesFrom(() => Promise.reject(new Error('away')))
  await assert.rejects(pages.current(), /away/)
})

const problemValues = { nonce: 'n', code: 'outcome_unknown', message: 'It may be counted.' }

function lastSnapshot(counter: number): Snapshot {
  return { counter, at: '', servers: [], earlier_hits: 0, log: [] }
}

/** Pages that print the counter they were rendered from, what they say, and every token. */
function problemsFrom(latest: () => Snapshot | null, rendered = async () => {}) {
  let renderings = 0
  const problems = new ProblemPages({
    latest,
    async renderPage({ visit, problem, snapshot: shown }, headers) {
      renderings++
      await rendered()
      assert.equal(visit, null)
      const nonce = /'nonce-([^']+)'/.exec(headers['content-security-policy'] ?? '')?.[1]
      return `${shown.counter}|${nonce}|${problem?.code}|${problem?.message}|${problem?.retry_after}`
    },
    server: { id: 1, name: 'web-1', address: '127.0.0.1:3001', srv_id: 'a'.repeat(32) },
    stickySeconds: 300,
    monitoring: { prometheus: null, grafana: null, hasAlerts: false },
    development: false,
  })
  const shown = async () => (await problems.current())?.fill(problemValues) ?? null
  return { problems, shown, renderings: () => renderings }
}

test('it shows the last snapshot, and why nothing was counted', async () => {
  const { shown } = problemsFrom(() => lastSnapshot(7))
  assert.equal(await shown(), '7|n|outcome_unknown|It may be counted.|1')
})

test('many share one rendering while the snapshot is the same, however long', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const last = lastSnapshot(7)
  const { shown, renderings } = problemsFrom(() => last)
  await Promise.all(Array.from({ length: 20 }, shown))
  now += 60_000
  await shown()
  assert.equal(renderings(), 1)
})

test('a newer snapshot is shown, rendered twice a second at the most', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  let counter = 0
  const { shown, renderings } = problemsFrom(() => lastSnapshot(++counter))
  await shown()
  now += 499
  await shown()
  assert.equal(renderings(), 1)
  now += 1
  assert.match((await shown()) ?? '', /^3\|/)
})

test('without any snapshot there is no such page', async () => {
  const { problems } = problemsFrom(() => null)
  await assert.rejects(problems.current(), /nothing to show/)
})

test('while a rendering takes long the one before it is shown, and none when there is none', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let rendering = Promise.withResolvers<void>()
  let counter = 0
  const { shown } = problemsFrom(
    () => lastSnapshot(++counter),
    () => rendering.promise,
  )
  const inTime = async (ms: number) => {
    const page = shown()
    await new Promise(setImmediate)
    t.mock.timers.tick(ms)
    return page
  }
  assert.equal(await inTime(300), null)
  rendering.resolve()
  await new Promise(setImmediate)
  assert.match((await inTime(0)) ?? '', /^1\|/)

  let now = performance.now()
  t.mock.method(performance, 'now', () => now)
  now += 10_000
  rendering = Promise.withResolvers()
  assert.match((await inTime(300)) ?? '', /^1\|/)
  rendering.resolve()
})

const tokens = { hit: 'AAAAtokenhit', nonce: 'BBBBtokennonce+' }

test('every place of every token is filled', () => {
  const template = new Template('<b nonce="BBBBtokennonce+">AAAAtokenhit</b><i>AAAAtokenhit</i>', tokens)
  assert.equal(template.fill({ hit: '104233', nonce: 'q1w2' }), '<b nonce="q1w2">104233</b><i>104233</i>')
})

test('a token that is split over two pieces of the flight data is filled', () => {
  const flight = [
    '<script nonce="BBBBtokennonce+">self.__next_f.push([1,"{\\"hit\\":\\"AAAAtok"])</script>',
    '<script nonce="BBBBtokennonce+">self.__next_f.push([1,"enhit\\"}"])</script>',
  ].join('')
  assert.equal(
    new Template(flight, tokens).fill({ hit: '7', nonce: 'n' }),
    '<script nonce="n">self.__next_f.push([1,"{\\"hit\\":\\"7\\"}"])</script>',
  )
})

test('a page that lacks a token is refused, and says which', () => {
  assert.throws(() => new Template('<b>AAAAtokenhit</b>', tokens), /lacks nonce/)
})

for (const value of ['<', '"', "'", '\\', '&', '\n', '\u2028', '${', '`']) {
  test(`${JSON.stringify(value)} is never filled in`, () => {
    const template = new Template('AAAAtokenhit BBBBtokennonce+', tokens)
    assert.throws(() => template.fill({ hit: value, nonce: '' }), /may not be filled/)
  })
}

test('no nonce is given twice, and each is 16 bytes as base64', () => {
  const nonces = Array.from({ length: 2000 }, newNonce)
  assert.equal(new Set(nonces).size, nonces.length)
  for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9+/]{22}==$/)
})

const shortened: { what: string; html: string; short: string }[] = [
  {
    what: 'cells and rows have no end tags',
    html: '<table><thead><tr><th>a</th></tr></thead><tbody><tr><th>1</th><td>2</td></tr><tr><td>3</td></tr></tbody></table>',
    short: '<table><thead><tr><th>a</thead><tbody><tr><th>1<td>2<tr><td>3</tbody></table>',
  },
  {
    what: 'nor have items of lists, except before something else',
    html: '<ul><li>a</li><li>b</li></ul><dl><dt>c</dt><dd>d</dd></dl><div><dd>e</dd></div><select><option>f</option></select>',
    short: '<ul><li>a<li>b</ul><dl><dt>c<dd>d</dl><div><dd>e</div><select><option>f</select>',
  },
  {
    what: 'nor have paragraphs before a block or the end of one',
    html: '<div><p>a</p><p>b</p><div>c</div><p>d</p></div><a><p>e</p></a><p>f</p><span>g</span><noscript><p>h</p></noscript>',
    short:
      '<div><p>a<p>b<div>c</div><p>d</div><a><p>e</p></a><p>f</p><span>g</span><noscript><p>h</p></noscript>',
  },
  {
    what: 'parts of drawings end in their tags',
    html: '<svg><g><rect></rect></g><path d="M0 1"></path></svg><p></p>',
    short: '<svg><g><rect/></g><path d="M0 1"/></svg><p></p>',
  },
  {
    what: 'short words have no quotes',
    html: '<p class="a-b" title="a b"><a href="/a" id="c_d">=</a><i data-at=""></i>',
    short: '<p class=a-b title="a b"><a href="/a" id=c_d>=</a><i data-at=""></i>',
  },
  {
    what: 'a slash is only where it ends a part of a drawing, after a space or a quote',
    html: '<meta name="a" content="b"/><link href="/a/"/><rect width="5"></rect><rect width="5" y="6 7"></rect>',
    short: '<meta name=a content=b><link href="/a/"><rect width=5 /><rect width=5 y="6 7"/>',
  },
  {
    what: 'scripts stay as they are',
    html: '<script id="a">if (b ="c" >"d") "</td><td>"</script><b id="e"></b><script>"</li><li>"</script>',
    short: '<script id="a">if (b ="c" >"d") "</td><td>"</script><b id=e></b><script>"</li><li>"</script>',
  },
  {
    what: 'a token keeps its quotes',
    html: '<b title="AAAAtokentokentokentokentoken000" id="a">',
    short: '<b title="AAAAtokentokentokentokentoken000" id=a>',
  },
]

for (const { what, html, short } of shortened) {
  test(`in the short form of the HTML ${what}`, () => assert.equal(shortenHtml(html), short))
}
