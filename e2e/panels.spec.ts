import { expect, type Page, test } from '@playwright/test'
import type { History, HistoryEvent, Snapshot } from '../web/shared/api.ts'
import { logScanMax } from '../web/shared/limits.ts'
import { readStack, withPrismaClient } from './support/board-control.ts'
import { failRequests } from './support/network.ts'
import {
  choosePolicies,
  connectionStatus,
  expectHydrated,
  expectLive,
  fact,
  lab,
  openAxe,
  sendVisits,
  visitLive,
} from './support/page-checks.ts'

// What a visitor can do with the board's panels: look back, filter, open a row, run an experiment, audit it.

const log = (page: Page) => page.getByRole('table', { name: 'Latest visits' })

test('the address keeps the range of the history', async ({ page }) => {
  await visitLive(page)
  await expect(page.getByRole('button', { name: '5 min' })).toHaveAttribute('aria-pressed', 'true')
  await page.getByRole('button', { name: '24 h' }).click()
  await expect(page).toHaveURL(/\?range=24h$/)
  await expect(page.getByRole('img', { name: /last 24 h/ })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('button', { name: '24 h' })).toHaveAttribute('aria-pressed', 'true')
  await page.getByText('As a table').click()
  const table = page.getByRole('region', { name: /as a table/ })
  // Names, peaks, and 145 times.
  await expect(table.getByRole('row')).toHaveCount(147)
  await expect(table.getByRole('row', { name: /^Peak per 10 minutes( [\d,]+)+$/ })).toBeVisible()
})

// The chart, drawn from a history that a test makes.

const chart = (page: Page) => page.getByRole('img', { name: /last 5 min/ })

const barMs = 5000

/** 61 bars of four servers with the colours of the board's, and events this many seconds ago. `hitsOf`: of a server in a bar */
async function showHistory(
  page: Page,
  hitsOf: (bar: number) => number,
  events: Pick<HistoryEvent, 'type' | 'name'>[] = [],
  secondsAgo: number[] = [],
): Promise<void> {
  const snapshot: Snapshot = await (await page.request.get('/api/snapshot')).json()
  const names = ['web-1', 'web-2', 'web-3', 'web-4']
  const srvIdOf = (name: string) => snapshot.servers.find(server => server.name === name)?.srv_id ?? name
  await page.route('**/api/history*', async route => {
    const now = Date.now()
    const current = Math.floor(now / barMs) * barMs
    const times = Array.from({ length: 61 }, (_, bar) => new Date(current - (60 - bar) * barMs).toISOString())
    const history: History = {
      range: '5m',
      at: new Date(now).toISOString(),
      bucket_seconds: barMs / 1000,
      times,
      servers: names.map((name, id) => ({
        id,
        srv_id: srvIdOf(name),
        name,
        hits: times.map((_, bar) => hitsOf(bar)),
      })),
      events: events.map(({ type, name }, place) => ({
        type,
        name,
        by: null,
        id: place,
        srv_id: srvIdOf(name),
        at: new Date(now - (secondsAgo[place] ?? 0) * 1000).toISOString(),
      })),
      downs: [],
    }
    await route.fulfill({ json: history })
  })
}

test('the axis of the chart is in hits per second, and an outlier is clipped with its figure and flattens nothing', async ({
  page,
}) => {
  await showHistory(page, bar => (bar === 20 ? 500 : 9 + (bar % 3)))
  await page.goto('/')
  // Four servers with 500 hits in five seconds; the other bars have at most 44.
  await expect(chart(page).getByText('400/s', { exact: true })).toBeAttached()
  const axis = page.getByText('hits/s', { exact: true }).locator('xpath=following-sibling::div[1]')
  await expect(axis).toHaveText('1050')
  const bars = await chart(page)
    .locator('path')
    .evaluateAll(paths => paths.map(path => path.getAttribute('d')?.match(/M20\.1 [\d.]+h0\.8v-[\d.]+/)?.[0]))
  // The clipped bar is as high as the plot, and each server has a quarter of it.
  expect(bars).toEqual([1, 0.75, 0.5, 0.25].map(y => `M20.1 ${y}h0.8v-0.25`))
  await expect(chart(page).locator('line[y1="13"]')).toHaveCount(1)
})

test('marks of events never overlap, and together they stand for every event', async ({ page }) => {
  const secondsAgo = [3, 4, 9, 15, 15, 16, 31, 39, 44, 90, 91, 92, 93, 94, 95, 96, 97, 150, 161, 290, 299]
  const types = ['joined', 'killed', 'stopped', 'lost', 'back', 'draining'] as const
  const events = secondsAgo.map((_, place) => ({
    type: types[place % types.length] ?? 'joined',
    name: `web-${1 + (place % 4)}`,
  }))
  await showHistory(page, () => 5, events, secondsAgo)
  await page.goto('/')
  for (const width of [360, 768, 1280, 2560]) {
    await page.setViewportSize({ width, height: 900 })
    await expect(async () => {
      const marks = await page.locator('[data-part=events] [data-mark]').evaluateAll(found =>
        found.map(mark => {
          const { left, right } = mark.getBoundingClientRect()
          return { left, right, events: mark.querySelector('title')?.textContent?.split('\n').length ?? 0 }
        }),
      )
      expect(marks.reduce((sum, mark) => sum + mark.events, 0)).toBe(events.length)
      for (const [place, { right }] of marks.slice(0, -1).entries())
        expect(marks[place + 1]?.left ?? 0).toBeGreaterThanOrEqual(right)
    }).toPass({ timeout: 30_000 })
  }
  await page.getByText('As a table').click()
  const all = page.getByRole('region', { name: 'All events of the servers' })
  await expect(all.getByRole('row')).toHaveCount(events.length + 1)
  await expect(all.getByRole('row', { name: /web-2 killed$/ }).first()).toBeVisible()
})

test('the legend of four servers is one row at every width', async ({ page }) => {
  await showHistory(page, () => 12_345)
  await page.goto('/')
  const legend = page.getByRole('list', { name: 'Hits of each server' })
  await expect(legend.getByRole('listitem')).toHaveCount(4)
  for (const width of [360, 640, 768, 1024, 1240, 1440, 2560]) {
    await page.setViewportSize({ width, height: 900 })
    const [tops, hidden] = await legend.evaluate(list => [
      [...list.children].map(item => Math.round(item.getBoundingClientRect().top)),
      list.scrollWidth - list.clientWidth,
    ])
    expect(new Set(tops).size).toBe(1)
    if (width >= 768) expect(hidden).toBeLessThanOrEqual(0)
  }
})

test('a chart that cannot be refreshed says as of when it is, and goes on by itself', async ({ page }) => {
  await visitLive(page)
  await expect(chart(page)).toBeVisible({ timeout: 30_000 })
  const requests = await failRequests(page, '**/api/history*')
  const stale = page.getByText(/^Could not refresh: chart as of \d/)
  await expect(stale).toBeVisible({ timeout: 30_000 })
  await expect(chart(page)).toBeVisible()
  requests.passOn()
  await expect(stale).toBeHidden({ timeout: 30_000 })
})

// The servers.

const servers = (page: Page) => page.getByRole('table', { name: 'Hits per server' })

test('shares add up to 100.0 %, and each bar has the colour of its server', async ({ page }) => {
  await page.goto('/')
  await expectHydrated(page)
  const rows = await servers(page)
    .getByRole('row')
    .filter({ has: page.getByRole('cell') })
    .evaluateAll(found =>
      found.map(row => ({
        share: Number(row.textContent?.match(/([\d.]+)%/)?.[1]),
        swatch: row.querySelector('th span[data-hue]')?.getAttribute('data-hue'),
        bar: row.querySelector('rect + rect')?.getAttribute('data-hue'),
        tick: row.querySelectorAll('svg line').length,
      })),
    )
  const total = rows.pop()
  expect(total?.share).toBe(100)
  expect(Math.round(rows.reduce((sum, { share }) => sum + share * 10, 0))).toBe(1000)
  const named = rows.filter(({ swatch }) => swatch)
  expect(named.length).toBeGreaterThan(0)
  for (const { swatch, bar, tick } of named) expect([bar, tick]).toEqual([swatch, 1])
})

test('the servers are a table over the whole width from 1,240 px on, and two lines each on a phone', async ({
  page,
}) => {
  await visitLive(page)
  const row = servers(page).getByRole('row', { name: /yours/ })
  const memory = servers(page).getByRole('columnheader', { name: 'Memory' })
  for (const width of [1240, 1280, 1440, 2560]) {
    await page.setViewportSize({ width, height: 900 })
    await expect(memory).toBeVisible()
    expect((await memory.boundingBox())?.width).toBeGreaterThan(40)
    expect((await row.boundingBox())?.height).toBeLessThan(70)
    expect((await row.boundingBox())?.width).toBeGreaterThan(1100)
  }
  await page.setViewportSize({ width: 390, height: 844 })
  expect((await row.boundingBox())?.height).toBeLessThan(70)
  await expect(row.getByText('Open boards')).toBeHidden()
  await row.locator('summary').focus()
  await page.keyboard.press('Enter')
  await expect(row.getByText('Open boards')).toBeVisible()
  expect((await openAxe(page).analyze()).violations).toEqual([])
  await page.keyboard.press('Enter')
  await expect(row.getByText('Open boards')).toBeHidden()
})

test('an unreadable history says so, and appears by itself when it can be read', async ({ page }) => {
  const requests = await failRequests(page, '**/api/history*')
  await page.goto('/')
  await expect(page.getByText('The history could not be read')).toBeVisible()
  requests.passOn()
  await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible({ timeout: 30_000 })
})

test('the log is filtered by server and by address, and the page’s address keeps the filter', async ({
  page,
  request,
}) => {
  await visitLive(page)
  const own = page.getByRole('row', { name: /this visit/ })
  const server = (await own.getByRole('cell').first().innerText()).trim()
  await page.getByRole('combobox', { name: 'Server', exact: true }).selectOption(server)
  await expect(page).toHaveURL(/\?srv_id=[0-9a-f]{32}$/)
  await expect.poll(() => serversShown(page)).toEqual([server])
  await expect(page.getByRole('link', { name: 'CSV' })).toHaveAttribute('href', /log\.csv\?srv_id=/)
  await page.reload()
  await expectHydrated(page)
  await expect.poll(() => serversShown(page)).toEqual([server])
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.getByLabel('Address', { exact: true }).fill('192.0.2.7')
  await page.getByLabel('Address', { exact: true }).press('Enter')
  await expect(page.getByText(/ask for 192\.0\.2\.x$/)).toBeVisible()
  await page.getByLabel('Address', { exact: true }).fill('10.99.99.99')
  await page.getByLabel('Address', { exact: true }).press('Enter')
  await expect(page).toHaveURL(/\?client_ip=10\.99\.99\.99$/)
  const { counter }: { counter: number } = await (await request.get('/api/snapshot')).json()
  const nothing = counter > logScanMax ? 'No match in the newest visits.' : 'No visits.'
  await expect(page.getByText(nothing)).toBeVisible()
  const more = page.getByRole('button', { name: 'Search older' })
  await expect(more).toHaveCount(counter > logScanMax ? 1 : 0)
})

/** The numbers in the log, in order */
async function numbersShown(page: Page): Promise<number[]> {
  const texts = await log(page).getByRole('rowheader').allInnerTexts()
  return texts.map(text => Number(text.replaceAll(/\D/g, '')))
}

/** The names of the servers in the log, each once */
async function serversShown(page: Page): Promise<string[]> {
  const names = await log(page).getByRole('row').locator('td:first-of-type > span').allInnerTexts()
  return [...new Set(names.map(name => name.trim()))]
}

test('a paused log does not change, and resumes on demand', async ({ page, request }) => {
  await visitLive(page)
  await page.getByRole('button', { name: 'Pause' }).click()
  const first = log(page).getByRole('row').nth(1)
  const before = await first.innerText()
  const [newest = 0] = await numbersShown(page)
  const hit = Number((await request.get('/')).headers()['x-hit'])
  const note = page.getByText(new RegExp(`^Paused at ${new Intl.NumberFormat('en-US').format(newest)}, `))
  const behind = async () => Number(/([\d,]+) behind$/.exec(await note.innerText())?.[1]?.replaceAll(',', ''))
  await expect.poll(behind).toBeGreaterThanOrEqual(hit - newest)
  expect(await first.innerText()).toBe(before)
  await page.getByRole('button', { name: 'Back to live' }).click()
  await expect(first).toContainText(new Intl.NumberFormat('en-US').format(hit))
})

test('older rows follow the newest without a gap, and there is a way back', async ({ page, request }) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page)
  await page.getByRole('button', { name: 'Pause' }).click()
  const newest = await numbersShown(page)
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(async () => (await numbersShown(page))[0]).toBe((newest.at(-1) ?? 0) - 1)
  await page.getByRole('button', { name: 'Newer' }).click()
  await expect.poll(() => numbersShown(page)).toEqual(newest)
})

test('a row opens to explain why that server answered', async ({ page }) => {
  await visitLive(page)
  await page.reload()
  const opener = page
    .getByRole('row', { name: /this visit/ })
    .getByRole('button', { name: /^came back: why/ })
  await opener.focus()
  await page.keyboard.press('Enter')
  await expect(opener).toHaveAttribute('aria-expanded', 'true')
  await expect(page.getByText(/^The cookie named (\S+), and \1 could answer\.$/)).toBeVisible()
  expect((await openAxe(page).analyze()).violations).toEqual([])
})

test('a log paused before the board reports the visit is complete', async ({ page, request }) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page)
  // The page keeps its rendered data: the board never reports the second visit, and perhaps not those just before it.
  await failRequests(page, '**/api/{live,snapshot}')
  for (let visit = 0; visit < 5; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await page.reload()
  await page
    .getByRole('row', { name: /this visit/ })
    .getByRole('button', { name: /^came back: why/ })
    .click()
  await expect(page.getByText(/^The cookie named (\S+), and \1 could answer\.$/)).toBeVisible()
  const newest = await numbersShown(page)
  const own = newest[0] ?? 0
  expect(newest).toEqual(Array.from({ length: 50 }, (_, at) => own - at))
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(async () => (await numbersShown(page))[0]).toBe(own - 50)
})

test('sixty visits with my cookie reach one server, without a cookie several', async ({ page }) => {
  await visitLive(page)
  expect(await sendVisits(page, 'With my cookie')).toBe('With my cookie: 60 visits counted by 1 server.')
  expect(await sendVisits(page, 'Without a cookie')).toMatch(
    /^Without a cookie: 60 visits counted by [2-9]\d* servers\.$/,
  )
})

test('a run of visits can be cancelled, and reports what was not sent', async ({ page }) => {
  await visitLive(page)
  await page.route(
    url => url.pathname === '/',
    async route => {
      await new Promise(resolve => setTimeout(resolve, 200))
      await route.continue()
    },
  )
  await choosePolicies(page, 'Without a cookie')
  await lab(page).getByRole('button', { name: 'Run' }).click()
  await lab(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByText(/Without a cookie: .* not sent or cancelled\./)).toBeVisible()
})

test('the audit opens as an equation by keyboard, and returns the focus', async ({ page }) => {
  await visitLive(page)
  const badge = page.getByRole('button', { name: 'Exact' })
  await badge.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Is it exact?' })
  await expect(dialog.getByText('All are equal')).toBeVisible()
  expect((await openAxe(page).analyze()).violations).toEqual([])
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(badge).toBeFocused()
})

test('an audit with unequal figures says so in words', async ({ page }) => {
  const wrong = { counter: 9, max_id: 9, rows: 9, purged: 0, sum_hits: 8, consistent: false }
  await page.route('**/api/audit', route => route.fulfill({ json: wrong }))
  await visitLive(page)
  await page.getByRole('button', { name: 'Exact' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('They are not equal')).toBeVisible()
  await expect(dialog.getByRole('listitem').last()).toContainText('≠')
})

test('an audit that could not be loaded or read can be tried again', async ({ page }) => {
  await visitLive(page)
  const audit = await failRequests(page, '**/api/audit')
  await page.route('**/_next/static/**', route => route.abort())
  await page.getByRole('button', { name: 'Exact' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('The audit failed:')
  await expect(dialog.getByRole('alert')).toContainText('The audit could not be loaded.')
  audit.passOn()
  await page.unroute('**/_next/static/**')
  await dialog.getByRole('button', { name: 'Try again' }).click()
  await dialog.getByRole('button', { name: 'Count again' }).click()
  await expect(dialog.getByText('All are equal')).toBeVisible()
  await expect(dialog).not.toContainText(/failed|could not/)
})

test('without JavaScript no dead control is shown', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/')
  // Found by position, because text search skips noscript.
  await expect(page.locator('section noscript p')).toContainText([
    'Running an experiment needs JavaScript.',
    'The chart needs JavaScript.',
  ])
  for (const name of ['Pause', 'Older', /^Run/, 'Cancel', 'Filter', 'Apply', '24 h', /^Show/]) {
    await expect(page.getByRole('button', { name })).toHaveCount(0)
  }
  await expect(page.getByRole('link', { name: 'CSV' })).toBeVisible()
  await expect(page.getByRole('link', { name: /Exact/ })).toHaveAttribute('href', '/api/audit')
  await context.close()
})

// What the page says about this visit: its cookie, and where the cookie led.

const lostSrvId = 'e'.repeat(32)
const unknownSrvId = 'f'.repeat(32)

async function serverOf(page: Page): Promise<string> {
  return (await fact(page, 'Served by').innerText()).trim()
}

const cookieOf = (page: Page) => fact(page, 'Cookie you sent')

/** Runs `work` with an additional server whose last heartbeat was `silentMs` ago. `beat` makes it that again. */
async function withLostServer(
  silentMs: number,
  work: (beat: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const seen = () => new Date(Date.now() - silentMs)
  const lastSeenAt = seen()
  const row = {
    srvId: lostSrvId,
    name: 'web-gone',
    address: '192.0.2.1:3000',
    readyAt: lastSeenAt,
    lastSeenAt,
  }
  await withPrismaClient(readStack('STACK_FILE').databaseUrl, async client => {
    const { id } = await client.server.create({ data: { ...row, startedAt: new Date(Date.now() - 60_000) } })
    const beat = () => client.server.update({ where: { id }, data: { lastSeenAt: seen() } })
    try {
      await work(beat)
    } finally {
      await client.server.delete({ where: { id } })
    }
  })
}

test('a visitor whose server is lost reads from where, to where and why it moved, and the log says the same', async ({
  page,
  context,
  baseURL,
}) => {
  test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')
  await withLostServer(10_000, async () => {
    // The board may be half a second old and not know the server yet.
    await expect(async () => {
      await context.addCookies([{ name: 'srv_id', value: lostSrvId, url: baseURL ?? '' }])
      await page.goto('/')
      await expect(page.getByText(/^web-gone went silent \d+ s before/)).toBeVisible({ timeout: 100 })
    }).toPass()
    const server = await serverOf(page)
    const why = /web-gone was lost: no heartbeat for \d+ s\./
    const notice = page.getByText(/^web-gone went silent \d+ s before/)
    await expect(notice).toContainText(`, so NGINX sent you to ${server}. Your visit was counted.`)
    await expectLive(page)
    await page
      .getByRole('row', { name: /this visit/ })
      .getByRole('button')
      .click()
    await expect(page.getByText(/^The cookie named web-gone\./)).toContainText(why)
  })
})

test('a visitor whose server was silent only briefly reads that it is lost once that is known', async ({
  page,
  context,
  baseURL,
}) => {
  test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')
  await withLostServer(500, async beat => {
    const unknown = page.getByText('Why it did not take the visit is not recorded.')
    await expect(async () => {
      // A slow machine may need longer for a try than the server may be silent.
      await beat()
      await context.addCookies([{ name: 'srv_id', value: lostSrvId, url: baseURL ?? '' }])
      await page.goto('/')
      await expect(unknown).toBeVisible({ timeout: 100 })
    }).toPass()
    const server = await serverOf(page)
    const heightBefore = (await page.locator('[data-arrival=moved]').first().boundingBox())?.height
    const later = page.getByText(
      new RegExp(
        `^web-gone went silent \\d s before, so NGINX sent you to ${server}\\. Your visit was counted\\.`,
      ),
    )
    await expect(later).toBeVisible()
    await expect(unknown).toBeHidden()
    expect((await page.locator('[data-arrival=moved]').first().boundingBox())?.height).toBe(heightBefore)
  })
})

test('a cookie with an unknown server is not reported as a loss', async ({ page, context, baseURL }) => {
  await context.addCookies([{ name: 'srv_id', value: unknownSrvId, url: baseURL ?? '' }])
  await page.goto('/')
  await expect(page.getByText('Your cookie named a server that is not known here.')).toBeVisible()
  await expect(page.getByText('Your visit was counted.')).toHaveCount(0)
  await expect(cookieOf(page)).toHaveText(unknownSrvId, { useInnerText: true })
})

test('a visitor that was not moved reads nothing about a move', async ({ page }) => {
  await page.goto('/')
  await page.reload()
  await expect(page.getByText(/NGINX sent you|it sent you|not known here/)).toHaveCount(0)
  expect(await cookieOf(page).innerText()).toBe(await page.locator('dt:text("md5 of") + dd').innerText())
})

test('the address of an older log page, with its filter and range, can be shared, and stays after the next visit', async ({
  page,
  context,
  request,
}) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page, '/?range=1h')
  await page.getByRole('button', { name: 'Older' }).click()
  await expect(page).toHaveURL(/\?range=1h&before=\d+$/)
  const numbers = (of: Page) =>
    of.getByRole('table', { name: 'Latest visits' }).getByRole('rowheader').allInnerTexts()
  await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  const shown = await numbers(page)
  const other = await context.newPage()
  await other.goto(page.url())
  await expect.poll(() => numbers(other)).toEqual(shown)
  const visit = await fact(other, 'Your visit').innerText()
  await other.getByRole('link', { name: 'Visit again' }).click()
  await expect(fact(other, 'Your visit')).not.toHaveText(visit)
  await expect.poll(() => numbers(other)).toEqual(shown)
  await expect(other).toHaveURL(page.url())
  await other.getByRole('button', { name: 'Newer' }).click()
  await expect(other).toHaveURL(/\?range=1h$/)
})

test('a printed page has the figures, the chart and whole tables, and no controls', async ({ page }) => {
  await visitLive(page)
  await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible()
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  for (const name of ['Visit again', 'Forget my cookie', 'Pause', 'Older', 'CSV', '24 h', 'Cancel']) {
    await expect(page.getByText(name, { exact: true })).toBeHidden()
  }
  await expect(page.getByRole('combobox')).toHaveCount(0)
  await expect(connectionStatus(page)).toBeHidden()
  await expect(page.getByText(/^As of \d{4}-\d\d-\d\d \d\d:\d\d UTC$/)).toBeVisible()
  await expect(page.getByRole('table', { name: 'Hits per server' })).toBeVisible()
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'light')
  // A scrolling table would be cut off on paper.
  const log = page.getByRole('table', { name: 'Latest visits' })
  const cut = await log.evaluate(table => {
    const box = table.parentElement
    return box ? box.scrollHeight - box.clientHeight : -1
  })
  expect(cut).toBe(0)
})
