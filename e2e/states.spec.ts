import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { temporaryFolder } from '../tools/lib/testing.ts'
import { openBoardControl, startBoard } from './support/board-control.ts'
import { holdScripts, openSlowRelay } from './support/network.ts'
import {
  baselineOf,
  connectionStatus,
  expectLive,
  lab,
  openLab,
  visitElsewhere,
  visitLive,
  watchConsole,
} from './support/page-checks.ts'
import { expectNoFindings, openTabs, openWindows, type Windows } from './support/windows.ts'

// Every state of the board, at four widths, light and dark, on a real stack.

test.skip(!process.env.STATES_STACK_FILE, 'needs a separate board')
// Traces of four windows cost more than the tests.
test.use({ trace: 'off' })
// Four windows need four times as long: one of these tests took 70 s with ten busy processes a core.
test.describe.configure({ timeout: 240_000 })

const live = (page: Page) => expectLive(page, /^Live/)
const log = (page: Page) => page.getByRole('table', { name: 'Latest visits' })
const servers = (page: Page) => page.getByRole('table', { name: 'Hits per server' })
/** What the HTML says of its figures. */
const asOf = /^As of\s*\d{1,2}:\d\d:\d\d/
const failedRequests = /Failed to load resource|net::ERR_/
const addresses = {
  v4: ['203.0.113.9', '10.0.0.7', '192.168.178.141'],
  v6: ['2001:db8:85a3:8d3:1319:8a2e:370:7348', 'fd00:1234:5678:9abc:def0:1234:5678:9abc'],
}

/** Sets what the Alertmanager of the state tests answers, until disposal. */
function changeAlerts() {
  const file = process.env.ALERTS_FILE ?? ''
  const startsAt = new Date().toISOString()
  const listed = (alertname: string) => ({
    labels: { alertname, severity: 'page' },
    annotations: { summary: `${alertname} in words` },
    startsAt,
  })
  return {
    /** Renames the file, because the stub may read it at any moment. */
    async fire(names: string[]) {
      await writeFile(`${file}.new`, JSON.stringify(names.map(listed)))
      await rename(`${file}.new`, file)
    },
    [Symbol.asyncDispose]: () => rm(file, { force: true }),
  }
}

/** Sends visits, and checks that every window shows them. */
async function visitsComeIn(url: string, windows: Windows) {
  const newest = await visitElsewhere(url)
  await windows.each(page =>
    expect(log(page).getByRole('rowheader', { name: newest, exact: true })).toBeVisible(),
  )
}

test('no data yet: the very first visits', async ({ browser }) => {
  await using folder = await temporaryFolder()
  await using stacks = new AsyncDisposableStack()
  const stack = await startBoard(join(folder.path, 'board'), { replicas: 1, hungAfterMs: null })
  stacks.defer(stack.stop)
  await using boardControl = openBoardControl(stack.file())
  expect(await boardControl.counter()).toBe(0)
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  await windows.each(page => expect(log(page).getByRole('rowheader')).toHaveCount(4))
  await visitsComeIn(boardControl.url, windows)
  await expectNoFindings(windows)
})

test('one server, and thousands of log rows', async ({ browser }) => {
  await using boardControl = openBoardControl()
  await boardControl.addVisits([{ server: 'web-1', count: 4000, clientIps: addresses.v4 }])
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  await windows.each(page => expect(page.getByText('1 server up')).toBeVisible())
  // Before paging, because other rows may move the layout.
  await expectNoFindings(windows)
  await windows.each(async page => {
    const older = page.getByRole('button', { name: 'Older' })
    for (let times = 0; times < 3; times++) await older.click()
    await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  })
})

test('alerts that fire are named in the header, and go away with their end', async ({ browser }) => {
  await using boardControl = openBoardControl()
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  await using alerts = changeAlerts()
  await alerts.fire(['DatabaseAway', 'ReplicaLost'])
  const firing = (page: Page) => page.getByRole('link', { name: '2 alerts: DatabaseAway, ReplicaLost' })
  await windows.each(page =>
    expect(firing(page)).toHaveAttribute('href', 'https://prometheus.example/alerts', { timeout: 30_000 }),
  )
  await windows.each(page => expect(page.getByRole('link', { name: 'Grafana' })).toBeVisible())
  await expectNoFindings(windows)
  await alerts.fire([])
  await windows.each(page => expect(page.getByText('No alerts')).toBeVisible({ timeout: 30_000 }))
})

test('ten servers, in every state a server can be in', async ({ browser }) => {
  await using boardControl = openBoardControl()
  const states = ['up', 'up', 'up', 'up', 'up', 'joining', 'draining', 'lost', 'stopped'] as const
  const shown = states.map((state, index) => ({
    name: `web-${index + 2}`,
    address: `10.0.0.${index + 2}:3000`,
    state,
  }))
  await boardControl.addServers(shown)
  await boardControl.addVisits(
    shown.map(({ name }) => ({ server: name, count: 100, clientIps: addresses.v4 })),
  )
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  await windows.each(async page => {
    await expect(page.getByText('6 up · 1 joining · 1 draining · 1 lost · 1 stopped')).toBeVisible()
    for (const { name, state } of shown) {
      await expect(
        servers(page).getByRole('row', { name: new RegExp(`^${name}\\b.*${state}`) }),
      ).toBeVisible()
      const inPicture = page.getByRole('figure', { name: 'How visits flow' }).getByText(name, { exact: true })
      expect(await inPicture.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
    }
    const codes = page.getByText('web-2: 1,230 overloaded, 4 outcome_unknown')
    await expect(codes).toBeHidden()
    const more = servers(page).getByLabel('More about web-2', { exact: true })
    if (await more.isVisible()) await more.press('Enter')
    const errors = servers(page).getByRole('button', { name: '1,234 errors of web-2 by code' })
    if (await more.isHidden()) {
      const name = servers(page).locator('th [data-hue]', { hasText: /^web-2$/ })
      expect(await baselineOf(errors)).toBeCloseTo(await baselineOf(name), 0)
    }
    await errors.press('Enter')
    await expect(codes).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(codes).toBeHidden()
  })
  await visitsComeIn(boardControl.url, windows)
  await expectNoFindings(windows)
})

for (const count of [3, 10, 12]) {
  test(`${count} servers: nothing on the whole page moves while it loads and figures grow`, async ({
    browser,
  }) => {
    await using boardControl = openBoardControl()
    // Beside the real one.
    const names = Array.from({ length: count - 1 }, (_, index) => `web-${index + 2}`)
    await boardControl.addServers(names.map((name, index) => ({ name, address: `10.0.0.${index + 2}:3000` })))
    const add = (visits: number) =>
      boardControl.addVisits(names.map(server => ({ server, count: visits, clientIps: addresses.v4 })))
    await add(30)
    await using windows = await openWindows(browser, boardControl.url, { whole: true })
    await windows.each(live)
    await windows.each(openLab)
    await windows.each(page => expect(page.getByRole('img', { name: /^Hits in the last/ })).toBeVisible())
    await add(80)
    await add(900)
    await windows.each(page =>
      expect(servers(page).getByRole('row', { name: /^web-2\b.*1,010/ })).toBeVisible(),
    )
    await expectNoFindings(windows)
  })
}

test('names of 63 characters, and addresses of IPv6', async ({ browser }) => {
  await using boardControl = openBoardControl()
  const names = ['production-europe-west4-blue-web-frontend-replica-0000000000001', 'w'.repeat(63)]
  await boardControl.addServers(
    names.map((name, index) => ({ name, address: `[2001:db8:85a3:8d3:1319:8a2e:370:734${index}]:65535` })),
  )
  await boardControl.addVisits(names.map(server => ({ server, count: 25, clientIps: addresses.v6 })))
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  await windows.each(async page => {
    await expect(servers(page)).toContainText(names[0] ?? '')
    await expect(log(page)).toContainText('fd00:1234:5678:9abc:def0:1234:5678:9abc')
    await log(page).getByRole('button').first().click()
    await expect(page.getByText(/^srv_id/)).toBeVisible()
  })
  await expectNoFindings(windows)
})

test('all servers draining: the page says so, and they go on answering', async ({ browser }) => {
  await using boardControl = openBoardControl()
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  const connection = (page: Page) => connectionStatus(page).locator('p').first()
  const places = new Map<Page, unknown>()
  await windows.each(async page => places.set(page, await connection(page).boundingBox()))
  await boardControl.drainAll()
  await windows.each(page => expect(page.getByText('1 server up')).toBeHidden())
  await windows.each(page => expect(servers(page)).toContainText('draining'))
  // The servers' words have another length now.
  await windows.each(async page => expect(await connection(page).boundingBox()).toEqual(places.get(page)))
  await visitsComeIn(boardControl.url, windows)
  await expectNoFindings(windows)
})

/** Opens an experiment of the lab on the board at `url`, and runs it to its end. */
async function runLab(page: Page, url: string, query: string) {
  await visitLive(page, `${url}/?lab=${query}`)
  await openLab(page)
  await lab(page).getByRole('button', { name: 'Run', exact: true }).click()
  await expect(lab(page).getByRole('button', { name: 'Cancel' })).toBeDisabled({ timeout: 60_000 })
}

test('a server that comes after a run of the lab changes none of its figures', async ({ page }) => {
  await using boardControl = openBoardControl()
  await runLab(page, boardControl.url, 'fair-shares&lab_policies=round_robin')
  const row = lab(page).getByRole('row').filter({ hasText: 'Round robin' })
  const seen = lab(page).getByText('Round robin had an evenness of 100%.')
  await expect(seen).toBeVisible()
  const before = await row.innerText()
  await boardControl.addServers([{ name: 'web-2', address: '10.0.0.2:3000' }])
  await expect(lab(page).getByRole('combobox', { name: 'Failing server', exact: true })).toContainText(
    'web-2',
  )
  await expect(seen).toBeVisible()
  expect(await row.innerText()).toBe(before)
})

test('the lab says that a server was draining, if it sent page views', async ({ page }) => {
  await using boardControl = openBoardControl()
  await boardControl.addServers([{ name: 'web-2', address: '10.0.0.2:3000', state: 'draining' }])
  const care = lab(page).getByText('web-2 was draining during this run: compare with care.')
  await runLab(page, boardControl.url, 'one-office&lab_policies=no_cookie')
  await expect(care).toBeVisible()
  await runLab(page, boardControl.url, 'one-office&lab_policies=hash')
  await expect(lab(page).getByText(/^The hash of a key sent all to web-1\./)).toBeVisible()
  await expect(care).toBeHidden()
})

test('the database is down: the page says since when, and recovers by itself', async ({ browser }) => {
  await using boardControl = openBoardControl()
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  const thaw = boardControl.freeze('database')
  await windows.each(page =>
    expect(connectionStatus(page)).toContainText('No answer from the database since', { timeout: 30_000 }),
  )
  await windows.each(page => expect(servers(page).getByText('was up').first()).toBeVisible())
  await windows.each(async page => {
    const inPicture = page
      .getByRole('listitem')
      .filter({ hasText: 'you' })
      .locator('p', { hasText: 'was up' })
    expect(await inPicture.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
  })
  await expectNoFindings(windows, { complaints: failedRequests })
  thaw()
  await windows.each(live)
})

test('the stream is lost: the page says since when and how old the figures are, and recovers by itself', async ({
  browser,
}) => {
  await using boardControl = openBoardControl()
  await using windows = await openWindows(browser, boardControl.url)
  await windows.each(live)
  const thaw = boardControl.freeze('server')
  await windows.each(page =>
    expect(connectionStatus(page)).toContainText('Not connected', { timeout: 30_000 }),
  )
  await windows.each(page => expect(connectionStatus(page)).toContainText('figures are from'))
  await expectNoFindings(windows, { complaints: failedRequests })
  thaw()
  await windows.each(page => expect(connectionStatus(page)).toContainText('Live', { timeout: 60_000 }))
})

test('a slow network: the figures appear before the scripts, and do not move', async ({ browser }) => {
  await using boardControl = openBoardControl()
  const slow = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 25_000 }
  const prepare = async (page: Page) => {
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', slow)
  }
  await using windows = await openWindows(browser, boardControl.url, { prepare })
  await windows.each(live)
  await expectNoFindings(windows)
})

test('a page that arrives in pieces is painted in pieces, and none moves another', async ({ browser }) => {
  await using boardControl = openBoardControl()
  // So many that the picture is higher than without servers, at each width.
  const names = Array.from({ length: 9 }, (_, index) => `web-${index + 2}`)
  await boardControl.addServers(names.map((name, index) => ({ name, address: `10.0.0.${index + 2}:3000` })))
  await boardControl.addVisits([{ server: 'web-2', count: 60, clientIps: addresses.v4 }])
  await using relay = await openSlowRelay(boardControl.url)
  await using windows = await openWindows(browser, relay.url)
  await windows.each(live)
  await expectNoFindings(windows)
})

/** A visitor whose times and figures look different from those in the HTML */
const elsewhere = { locale: 'de-DE', timezoneId: 'Asia/Kolkata' }

/**
 * Visible texts that only the HTML has: a time in UTC, or a number of four digits or more without its separators. Ids and
 * addresses stay.
 */
const readPlainTexts = () => {
  const plain: string[] = []
  const main = document.querySelector('main')
  if (!main) return plain
  const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const text = node.textContent ?? ''
    if (node.parentElement?.closest('code, script, noscript, select, details:not([open])')) continue
    // The part that the browser is reading is hidden.
    const visible = node.parentElement?.checkVisibility({ visibilityProperty: true })
    if (visible && / UTC$|\d{4}-\d\d-\d\dT|\d{4,}/.test(text)) plain.push(text)
  }
  return plain
}

test('times and figures are the reader’s before the scripts run, and the scripts do not change them', async ({
  browser,
}) => {
  await using boardControl = openBoardControl()
  await boardControl.addVisits([{ server: 'web-1', count: 2000, clientIps: addresses.v4 }])
  await using context = await browser.newContext(elsewhere)
  const page = await context.newPage()
  const complaints = watchConsole(page)
  const releaseScripts = await holdScripts(page)
  await page.goto(boardControl.url, { waitUntil: 'domcontentloaded' })
  await expect(connectionStatus(page)).toHaveText(asOf)
  expect(await page.evaluate(readPlainTexts)).toEqual([])
  const rows = log(page).getByRole('row')
  const before = await rows.allInnerTexts()
  const visit = page.getByRole('region', { name: 'Your visit' }).locator('dl').first()
  const visitBefore = await visit.innerText()
  expect(visitBefore).toMatch(/#\d+\.\d{3}\n[\s\S]*\d\d:\d\d:\d\d,\d{3}$/)
  releaseScripts()
  await live(page)
  expect(await visit.innerText()).toBe(visitBefore)
  // The HTML may be a moment older than the live board, so a few rows may be new.
  const after = await rows.allInnerTexts()
  expect(before.filter(row => after.includes(row)).length).toBeGreaterThan(40)
  expect(complaints).toEqual([])
})

test('no frame shows a time in UTC or a number without separators, also while the page arrives', async ({
  browser,
}) => {
  await using boardControl = openBoardControl()
  await boardControl.addVisits([{ server: 'web-1', count: 2000, clientIps: addresses.v4 }])
  await using relay = await openSlowRelay(boardControl.url)
  await using context = await browser.newContext(elsewhere)
  const page = await context.newPage()
  await page.addInitScript(`
    const read = ${readPlainTexts}
    window.plainTexts = []
    window.frames = 0
    const sample = () => {
      if (document.querySelector('main')) window.frames++
      window.plainTexts.push(...read())
      requestAnimationFrame(sample)
    }
    requestAnimationFrame(sample)`)
  await page.goto(relay.url)
  await live(page)
  expect(await page.evaluate('window.plainTexts')).toEqual([])
  expect(await page.evaluate('window.frames')).toBeGreaterThan(3)
})

test('a seventh tab of the same browser polls, and every tab goes on loading', async ({ browser }) => {
  await using boardControl = openBoardControl()
  await using tabs = await openTabs(browser, boardControl.url, 6)
  await tabs.each(page => expect(connectionStatus(page)).toContainText('Polling every 2 s'))
  await visitsComeIn(boardControl.url, tabs)
  await expectNoFindings(tabs)
})

test('without JavaScript: the same figures and tables, as of the visit', async ({ browser }) => {
  await using boardControl = openBoardControl()
  await using windows = await openWindows(browser, boardControl.url, {
    context: { javaScriptEnabled: false },
  })
  await windows.each(page => expect(connectionStatus(page)).toHaveText(asOf))
  await windows.each(page => expect(log(page).getByRole('row', { name: /this visit/ })).toBeVisible())
  await windows.each(page => expect(page.getByRole('button', { name: 'Pause' })).toHaveCount(0))
  // The browser refuses to preload the scripts.
  await expectNoFindings(windows, { scriptless: true, complaints: / csp$/ })
})

// The order of the servers.

const rows = (page: Page) => page.getByRole('table', { name: 'Hits per server' }).getByRole('row')
/** Only the added servers: the place of the board's real server depends on earlier tests. */
const added = async (page: Page) =>
  (await rows(page).getByRole('rowheader').allInnerTexts()).join().match(/web-[2-9]/g)

test('servers keep the chosen order, also in the address and when figures change', async ({ page }) => {
  await using boardControl = openBoardControl()
  const clientIps = ['10.0.0.7']
  await boardControl.addServers([
    { name: 'web-2', address: '10.0.0.2:3000', state: 'joining' },
    { name: 'web-3', address: '10.0.0.3:3000' },
    { name: 'web-4', address: '10.0.0.4:3000', state: 'draining' },
  ])
  const visits = [
    { server: 'web-2', count: 10, clientIps },
    { server: 'web-3', count: 30, clientIps },
    { server: 'web-4', count: 20, clientIps },
  ]
  await boardControl.addVisits(visits)
  await visitLive(page, boardControl.url)
  await expect.poll(() => added(page)).toEqual(['web-2', 'web-3', 'web-4'])

  const order = page.getByRole('combobox', { name: 'Sort by' })
  await order.focus()
  await page.keyboard.press('ArrowDown')
  await expect(page).toHaveURL(/\?order=hits$/)
  await expect.poll(() => added(page)).toEqual(['web-3', 'web-4', 'web-2'])

  await boardControl.addVisits([{ server: 'web-2', count: 50, clientIps }])
  await expect(rows(page).filter({ hasText: 'web-2' })).toContainText('60')
  expect(await added(page)).toEqual(['web-3', 'web-4', 'web-2'])
  await page.reload()
  await expect(order).toHaveValue('hits')
  await expect.poll(() => added(page)).toEqual(['web-2', 'web-3', 'web-4'])

  await order.selectOption('state')
  await expect.poll(() => added(page)).toEqual(['web-4', 'web-2', 'web-3'])
  await order.selectOption('name')
  await expect(page).not.toHaveURL(/order/)
})
