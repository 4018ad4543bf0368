import { type APIRequestContext, type BrowserContext, expect, type Page, test } from '@playwright/test'
import { z } from 'zod'
import { htmlBudget, measureWire, wireBudget } from '../tools/bench/page/web-vitals.ts'
import { openBarePage } from '../tools/lib/chromium.ts'
import { boardLogLength } from '../web/shared/limits.ts'
import { failRequests } from './support/network.ts'
import {
  connectionStatus,
  expectHydrated,
  expectLive,
  fact,
  openAxe,
  visitElsewhere,
  visitLive,
  watchConsole,
} from './support/page-checks.ts'

// The board as a visitor sees it in a browser.

async function serverOf(page: Page): Promise<string> {
  return (await fact(page, 'Served by').innerText()).trim()
}

async function digitsOf(page: Page, name: string): Promise<number> {
  return Number((await fact(page, name).innerText()).replaceAll(/\D/g, ''))
}

const numberOf = (page: Page) => digitsOf(page, 'Your visit')
const counterOf = (page: Page) => digitsOf(page, 'Counter')

async function newestNumber(request: APIRequestContext, path = '/api/audit'): Promise<number> {
  const answer = await (await request.get(path)).json()
  return z.looseObject({ counter: z.number() }).parse(answer).counter
}

async function srvIdCookie(context: BrowserContext) {
  return (await context.cookies()).find(cookie => cookie.name === 'srv_id')
}

test('refreshing stays on one server, and each refresh gets a higher number', async ({ page, context }) => {
  await page.goto('/')
  const server = await serverOf(page)
  const cookie = await srvIdCookie(context)
  let last = await numberOf(page)
  for (let refresh = 0; refresh < 10; refresh++) {
    await page.reload()
    expect(await serverOf(page)).toBe(server)
    const number = await numberOf(page)
    expect(number).toBeGreaterThan(last)
    last = number
  }
  expect((await srvIdCookie(context))?.value).toBe(cookie?.value)
  await expect(fact(page, 'Why this server')).toHaveText('came back')
  await expect(
    page.getByRole('table', { name: 'Hits per server' }).getByRole('row', { name: /yours/ }),
  ).toContainText(server)
})

test('the cookie is HttpOnly and SameSite=Lax, and lasts as long as the page says', async ({
  page,
  context,
}) => {
  await page.goto('/')
  const cookie = await srvIdCookie(context)
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' })
  await expect(fact(page, 'Cookie you sent')).toHaveText('none', { useInnerText: true })
  await expect(page.locator('dt:text("md5 of") + dd')).toHaveText(cookie?.value ?? '')
  await expect(fact(page, 'Cookie lasts')).toHaveText(/^stays yours for [45]:\d\d$/)
  const left = (cookie?.expires ?? 0) - Date.now() / 1000
  expect(left).toBeGreaterThan(200)
  expect(left).toBeLessThanOrEqual(301)
})

test('without the cookie a visitor is new, and reaches every server after some tries', async ({
  page,
  context,
}) => {
  await page.goto('/')
  const servers = page.getByRole('table', { name: 'Hits per server' }).getByRole('row', { name: /up/ })
  const expected = await servers.count()
  const seen = new Set<string>()
  for (let tries = 0; tries < 60 && seen.size < expected; tries++) {
    await context.clearCookies({ name: 'srv_id' })
    await page.goto('/')
    await expect(fact(page, 'Why this server')).toHaveText('new visitor')
    seen.add(await serverOf(page))
  }
  expect(seen.size).toBe(expected)
})

test('“Forget my cookie” makes a visitor new again', async ({ page }) => {
  await page.goto('/')
  await page.reload()
  await expect(fact(page, 'Why this server')).toHaveText('came back')
  const before = await numberOf(page)
  await expectHydrated(page)
  await page.getByRole('button', { name: 'Forget my cookie' }).click()
  await expect(fact(page, 'Why this server')).toHaveText('new visitor')
  expect(await numberOf(page)).toBeGreaterThan(before)
})

test('an expired cookie makes a new visitor', async ({ page, context }) => {
  const brief = process.env.BRIEF_COOKIE_URL
  test.skip(!brief, 'needs a board whose cookie lasts only seconds')
  await page.goto(brief ?? '')
  await page.reload()
  await expect(fact(page, 'Why this server')).toHaveText('came back')
  // The requests of the open dashboard must not renew the cookie.
  await expect.poll(async () => await srvIdCookie(context)).toBeUndefined()
  await page.reload()
  await expect(fact(page, 'Why this server')).toHaveText('new visitor')
})

test('two browsers see each other’s visits without a reload', async ({ browser }) => {
  const [first, second] = [await browser.newContext(), await browser.newContext()]
  const [one, two] = [await first.newPage(), await second.newPage()]
  for (const page of [one, two]) await visitLive(page)
  const visit = await numberOf(two)
  const row = one.getByRole('table', { name: 'Latest visits' }).getByRole('row').nth(1)
  await expect(row).toContainText(new Intl.NumberFormat('en-US').format(visit))
  await expect(row).toContainText(await serverOf(two))
  await one.reload()
  await expect.poll(() => counterOf(two)).toBe(visit + 1)
  await Promise.all([first.close(), second.close()])
})

test('the visitor’s row is in the log from the first byte, and the page is complete without JavaScript', async ({
  browser,
}) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  // On a board without a hit all shares are 0%, and a page may be a second old.
  const servers = page.getByRole('table', { name: 'Hits per server' })
  await expect(async () => {
    await page.goto('/')
    await expect(servers).toContainText('100.0%', { timeout: 100 })
  }).toPass()
  const answer = await page.goto('/')
  const number = answer?.headers()['x-hit'] ?? 'none'
  await expect(fact(page, 'Your visit')).toHaveText(`#${number}`)
  const row = page.getByRole('table', { name: 'Latest visits' }).getByRole('row').nth(1)
  await expect(row).toContainText(number)
  await expect(row).toContainText('this visit')
  await expect(servers).toContainText('100.0%')
  await context.close()
})

test('a prerendered page counts once, when it is shown', async ({ request, baseURL }) => {
  await using page = await openBarePage(`${baseURL}/healthz`)
  const prerendering = await page.listen('Preload', 'prerenderStatusUpdated')
  const before = await newestNumber(request)
  await page.evaluate(`
    const rules = document.createElement('script')
    rules.type = 'speculationrules'
    rules.textContent = '{"prerender":[{"urls":["/"],"eagerness":"immediate"}]}'
    document.head.append(rules)`)
  // The server refuses the prerender request, so the real visit is a new request.
  await expect
    .poll(() => JSON.stringify(prerendering))
    .toMatch(/NavigationBadHttpStatus|PrerenderFailedDuringPrefetch/)
  expect(await newestNumber(request)).toBe(before)
  await page.evaluate(`location.assign('/')`)
  const status = () => page.evaluate(`document.querySelector('[role=status]')?.textContent`)
  await expect.poll(status, { timeout: 30_000 }).toBe('Live')
  expect(await page.evaluate('document.title')).toContain(new Intl.NumberFormat('en-US').format(before + 1))
  expect(await newestNumber(request)).toBe(before + 1)
})

test('the page counts consecutive answers of the same server', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByText('first visit from this tab')).toBeVisible()
  // The tab counts in the browser, so a page counts only once it is live.
  for (const times of [2, 3]) {
    await page.reload()
    await expect(page.getByText(`${times} visits in a row, same server`)).toBeVisible()
  }
})

test('the chosen theme applies from the next page’s first paint', async ({ page }) => {
  await visitLive(page)
  for (const theme of ['dark', 'light']) {
    await page.getByLabel('Theme').selectOption(theme)
    await expect(page.locator('html')).toHaveCSS('color-scheme', theme)
    await page.reload({ waitUntil: 'commit' })
    await page.locator('main').waitFor({ state: 'attached' })
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(theme)
    await expect(page.getByLabel('Theme')).toHaveValue(theme)
    await expectHydrated(page)
  }
  await page.getByLabel('Theme').selectOption('system')
  await page.reload()
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBeUndefined()
})

/** Whether the picture drew a dot while another client's visit arrived */
async function drawsDotOfVisit(page: Page, request: APIRequestContext): Promise<boolean> {
  await visitLive(page)
  const figure = page.getByRole('figure', { name: 'How visits flow' })
  await figure.scrollIntoViewIfNeeded()
  await figure.evaluate(figure => {
    const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
    const sample = () => {
      if (!copy) throw new Error('the browser draws on no canvas')
      requestAnimationFrame(sample)
      // The first dot brings it.
      const canvas = figure.querySelector('canvas')
      if (!canvas) return figure.setAttribute('data-canvas', 'clear')
      Object.assign(copy.canvas, { width: canvas.width, height: canvas.height })
      copy.drawImage(canvas, 0, 0)
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
      const drawn = data.some(value => value > 0)
      figure.setAttribute('data-canvas', drawn ? 'dots' : 'clear')
      if (drawn) figure.setAttribute('data-seen', '')
    }
    sample()
  })
  // Waits until the dot of the page's visit has landed.
  await expect(figure).toHaveAttribute('data-canvas', 'clear')
  await figure.evaluate(figure => figure.removeAttribute('data-seen'))
  const before = await counterOf(page)
  const shown = figure.getByRole('group', { name: 'Database' }).getByText(/^[\d,]+ hits$/)
  await request.get('/', { headers: { Accept: 'application/json' } })
  await expect
    .poll(async () => Number((await shown.innerText()).replaceAll(/\D/g, '')))
    .toBeGreaterThan(before)
  return (await figure.getAttribute('data-seen')) !== null
}

test('a visit travels through the picture as a dot', async ({ page, request }) => {
  expect(await drawsDotOfVisit(page, request)).toBe(true)
})

test('with reduced motion no dot travels, and the figures are the same', async ({ browser, request }) => {
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  expect(await drawsDotOfVisit(await context.newPage(), request)).toBe(false)
  await context.close()
})

test('the page shows a lost connection and reconnects by itself', async ({ page }) => {
  const requests = await failRequests(page, '**/api/*')
  await page.goto('/')
  await expect(connectionStatus(page)).toContainText('Not connected', { timeout: 30_000 })
  requests.passOn()
  await expectLive(page)
})

test('after an hour in a hidden tab the page claims no rates until a server answers', async ({ page }) => {
  const showTab = (state: DocumentVisibilityState) =>
    page.evaluate(state => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
  const figure = page.getByRole('figure', { name: 'How visits flow' })
  await visitLive(page)
  await showTab('hidden')
  await expect(connectionStatus(page)).toHaveText('Connecting')
  await expect(figure).toContainText(/\d\/s/)
  const requests = await failRequests(page, '**/api/{live,snapshot}')
  await page.evaluate(() => {
    // As if the machine had slept: the steady clock of some browsers stands still then.
    const now = Date.now
    Date.now = () => now() + 3_600_000
    const status = () => document.querySelector('[role=status][aria-label=Connection]')?.textContent
    const observer = new MutationObserver(() => Object.assign(window, { statusAtChange: status() }))
    const figure = document.querySelector('figure')
    if (figure) observer.observe(figure, { subtree: true, childList: true, characterData: true })
  })
  await showTab('visible')
  await expect(figure).not.toContainText(/\d\/s/)
  expect(await page.evaluate(() => Reflect.get(window, 'statusAtChange'))).toBe('Connecting')
  requests.passOn()
  await expectLive(page)
  await expect(figure).toContainText(/\d\/s/)
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [360, 1280]) {
    test(`no accessibility or console findings: ${colorScheme}, ${width} px`, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
      const page = await context.newPage()
      const complaints = watchConsole(page)
      await visitLive(page)
      const { violations } = await openAxe(page).analyze()
      expect(violations.map(violation => `${violation.id}: ${violation.help}`)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
      expect(complaints).toEqual([])
      await context.close()
    })
  }
}

test('the keyboard reaches the visit’s controls', async ({ page }) => {
  await page.goto('/')
  await expectHydrated(page)
  const reached: string[] = []
  for (let tab = 0; tab < 8; tab++) {
    await page.keyboard.press('Tab')
    reached.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''))
  }
  expect(reached).toContain('Visit again')
  expect(reached).toContain('Forget my cookie')
})

test('a first visit loads no more JavaScript than its budget', async ({ baseURL }) => {
  const { javascript } = await measureWire(baseURL ?? '', AbortSignal.timeout(60_000))
  expect(javascript).toBeLessThanOrEqual(wireBudget.javascript)
})

test('the HTML with fifty rows of the log is no longer than its budget', async ({ baseURL }) => {
  await visitElsewhere(baseURL ?? '', boardLogLength)
  let html = ''
  const rowsInHtml = async () => {
    html = await (await fetch(`${baseURL}/`)).text()
    return html.split('aria-label="Latest visits"')[1]?.split('role=rowheader').slice(1).length
  }
  await expect.poll(rowsInHtml, { timeout: 30_000 }).toBe(boardLogLength)
  const servers = html.match(/ data-server="/g)?.length ?? 0
  test.info().annotations.push({
    type: 'bytes of HTML',
    description: `${Buffer.byteLength(html)}, ${servers} servers`,
  })
  const { fixed, perServer, event } = htmlBudget
  const most = fixed + servers * perServer + (html.includes(' data-event=') ? event : 0)
  expect(Buffer.byteLength(html)).toBeLessThanOrEqual(most)
})

test('a page that loads requests each history once', async ({ page, baseURL }) => {
  const requests: string[] = []
  page.on('request', request => requests.push(request.url()))
  // This range is requested again only after half a minute; the picture's, of five minutes, never.
  await visitLive(page, '/?range=24h')
  await expect(page.getByRole('img', { name: /last 24 h/ })).toBeVisible()
  const newest = await visitElsewhere(baseURL ?? '')
  await expect(page).toHaveTitle(`${newest} · Balance Board`)
  const times = (range: string) => requests.filter(url => url.endsWith(`/api/history?range=${range}`)).length
  expect(times('24h')).toBe(1)
  expect(times('5m')).toBeLessThanOrEqual(1)
})
