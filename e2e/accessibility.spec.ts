import {
  type APIRequestContext,
  type Browser,
  chromium,
  expect,
  type Locator,
  type Page,
  test,
} from '@playwright/test'
import { z } from 'zod'
import { chromiumLaunch } from '../tools/lib/chromium.ts'
import type { History, Snapshot } from '../web/shared/api.ts'
import {
  expectHydrated,
  fact,
  lab,
  openLab,
  overlappingTexts,
  sendVisits,
  visitLive,
} from './support/page-checks.ts'

// The board by keyboard. panels.spec.ts opens a log row and the audit by keyboard.

// Snapshots after each of the many keys cost more than the tests.
test.use({ trace: { mode: 'retain-on-failure', snapshots: false, screenshots: false } })

// The rows of the log are one stop: only one has no tabindex of -1.
const controls =
  'a[href], button:enabled:not([tabindex="-1"]), input:enabled, select:enabled, summary, [tabindex="0"]'

/** Presses Tab, or Shift+Tab if the control is further up, until it has the focus. The page has far fewer stops than the limit. */
async function tabTo(page: Page, control: Locator): Promise<void> {
  await expect(control).toBeVisible()
  const isBefore = await control.evaluate(element => {
    const place = document.activeElement?.compareDocumentPosition(element) ?? 0
    return document.activeElement !== document.body && (place & Node.DOCUMENT_POSITION_PRECEDING) !== 0
  })
  for (let stops = 0; stops < 120; stops++) {
    if (await control.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press(isBefore ? 'Shift+Tab' : 'Tab')
  }
  throw new Error(`Tab never reaches ${control}`)
}

/** Presses Tab once per control. @returns the reached controls, and those without a visible focus */
async function tabThrough(page: Page) {
  await visitLive(page)
  await openLab(page)
  const all = page.locator(controls).filter({ visible: true })
  const expected = await all.evaluateAll(elements =>
    elements.map((element, place) => {
      element.setAttribute('data-stop', String(place))
      return String(place)
    }),
  )
  const reached: (string | null)[] = []
  const hidden: string[] = []
  for (const _ of expected) {
    await page.keyboard.press('Tab')
    const { stop, shown, what } = await page.evaluate(() => {
      const focused = document.activeElement ?? document.body
      const { top, bottom, left, right } = focused.getBoundingClientRect()
      // Pages scroll by whole pixels, but elements may start between pixels.
      const inside = top > -1 && left > -1 && bottom < innerHeight + 1 && right < innerWidth + 1
      const { outlineStyle, outlineWidth } = getComputedStyle(focused)
      const outlined = outlineStyle !== 'none' && outlineWidth !== '0px'
      return {
        stop: focused.getAttribute('data-stop'),
        shown: inside && outlined,
        what: `${focused.outerHTML.slice(0, 100)} ${[top, left, bottom, right, outlineStyle, outlineWidth]}`,
      }
    })
    reached.push(stop)
    if (!shown) hidden.push(what)
  }
  return { expected, reached, hidden, controls: await all.count() }
}

for (const width of [360, 1280]) {
  test(`Tab reaches every control in page order, with a visible focus: ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 })
    await expect(async () => {
      const { expected, reached, hidden, controls } = await tabThrough(page)
      // A server's first error adds a control; the test then tries again.
      expect(controls).toBe(expected.length)
      expect(reached).toEqual(expected)
      expect(hidden).toEqual([])
    }).toPass({ timeout: 30_000 })
  })
}

test('the theme and the range can be chosen by keyboard', async ({ page }) => {
  await visitLive(page)
  await tabTo(page, page.getByLabel('Theme'))
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark')
  await page.keyboard.press('Home')
  await tabTo(page, page.getByRole('button', { name: '1 h', exact: true }))
  await page.keyboard.press('Space')
  await expect(page.getByRole('button', { name: '1 h', exact: true })).toHaveAttribute('aria-pressed', 'true')
  await expect(page).toHaveURL(/range=1h/)
  await tabTo(page, page.getByText('As a table'))
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('region', { name: /as a table/ }))
})

test('the log can be filtered, paused and paged by keyboard, and the focus stays', async ({
  page,
  request,
}) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page)
  const press = async (name: string, key: 'Enter' | 'Space') => {
    await tabTo(page, page.getByRole('button', { name, exact: true }))
    await page.keyboard.press(key)
  }
  await tabTo(page, page.getByRole('combobox', { name: 'Server', exact: true }))
  await page.keyboard.press('ArrowDown')
  await expect(page).toHaveURL(/srv_id=[0-9a-f]{32}/)
  await press('Show all', 'Enter')
  await expect(page).not.toHaveURL(/srv_id/)
  await expect(page.getByRole('button', { name: 'Show all' })).toBeFocused()
  await tabTo(page, page.getByLabel('Address', { exact: true }))
  await page.keyboard.type('127.0.0.1')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/client_ip=127\.0\.0\.1/)
  await press('Show all', 'Enter')
  await press('Pause', 'Space')
  await expect(page.getByRole('button', { name: 'Back to live' })).toBeFocused()
  await press('Older', 'Enter')
  await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Older' })).toBeFocused()
  await press('Newer', 'Enter')
  const newer = page.getByRole('button', { name: 'Newer' })
  await expect(newer).toBeDisabled()
  await expect(newer).toBeFocused()
  await press('Back to live', 'Enter')
  await expect(page.getByRole('button', { name: 'Pause' })).toBeFocused()
  await tabTo(page, page.getByRole('link', { name: 'CSV' }))
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
  expect(download.suggestedFilename()).toMatch(/\.csv$/)
})

test('the first stop skips the header', async ({ page }) => {
  await visitLive(page)
  await page.keyboard.press('Tab')
  const skip = page.getByRole('link', { name: 'Skip to your visit' })
  await expect(skip).toBeFocused()
  await expect(skip).toBeInViewport({ ratio: 1 })
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Visit again' })).toBeFocused()
})

test('the rows of the log are one stop, and the arrow keys, Home and End move between them', async ({
  page,
  request,
}) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page)
  const rows = page.getByRole('table', { name: 'Latest visits' }).getByRole('button')
  await expect(rows).toHaveCount(50)
  const row = (place: number) => rows.nth(place)
  await tabTo(page, row(0))
  await page.keyboard.press('Tab')
  // The log's last controls: no other row is a stop.
  await expect(page.getByRole('button', { name: 'Newer' })).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  for (const [key, place] of [
    ['ArrowUp', 0],
    ['ArrowDown', 1],
    ['ArrowDown', 2],
    ['End', 49],
    ['ArrowDown', 49],
    ['ArrowUp', 48],
    ['Home', 0],
    ['ArrowDown', 1],
  ] as const) {
    await page.keyboard.press(key)
    await expect(row(place)).toBeFocused()
    await expect(row(place)).toBeInViewport()
  }
  // A new visit changes the texts, and moves neither the focus nor the stop.
  const before = await row(1).getAttribute('aria-label')
  await request.get('/', { headers: { accept: 'application/json' } })
  await expect(row(1)).not.toHaveAttribute('aria-label', before ?? '')
  await expect(row(1)).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(row(1)).toHaveAttribute('aria-expanded', 'true')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('button', { name: /^Only web-/ })).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await expect(row(1)).toBeFocused()
})

// The page's frame: sizes, bands, targets, and the phone.

test('text has five sizes and two weights, and the visit’s number alone has the largest', async ({
  page,
}) => {
  await visitLive(page)
  await expect(page.locator('html')).toHaveCSS('font-size', '16px')
  const texts = await page.evaluate(() => {
    const found: { text: string; size: string; weight: string }[] = []
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      const text = node.textContent?.trim()
      if (!text || !node.parentElement?.checkVisibility()) continue
      const { fontSize, fontWeight } = getComputedStyle(node.parentElement)
      found.push({ text, size: fontSize, weight: fontWeight })
    }
    return found
  })
  const sizes = ['12px', '14px', '16px', '20px', '40px']
  expect(texts.filter(({ size }) => !sizes.includes(size))).toEqual([])
  expect(texts.filter(({ weight }) => weight !== '400' && weight !== '600')).toEqual([])
  const visit = await fact(page, 'Your visit').innerText()
  expect(texts.filter(({ size }) => size === '40px').map(({ text }) => text)).toEqual([visit])
})

test('every band of the page has a heading, in the order of a reader’s questions', async ({ page }) => {
  await visitLive(page)
  const headings = await page
    .locator('main > *')
    .evaluateAll(bands =>
      bands.map(band => band.querySelector('h2')?.textContent ?? `none: ${band.outerHTML.slice(0, 100)}`),
    )
  expect(headings).toEqual([
    'Your visit',
    'How visits flow',
    'Lab',
    'Hits per server over time',
    'Servers',
    'Latest visits',
  ])
})

for (const width of [390, 1280]) {
  test(`every control is at least 24 px high and wide: ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 })
    await visitLive(page)
    // A link in a sentence has the sentence's height. The skip link takes no room until it has the focus. A checkbox is as
    // large as its label, which switches it too.
    await page.getByRole('link', { name: 'Skip to your visit' }).focus()
    const small = await page
      .locator('a:not(p > a), button, input, select, summary')
      .filter({ visible: true })
      .evaluateAll(elements =>
        elements
          .map(element => ({
            what: element.outerHTML.slice(0, 120),
            ...(element.closest('label:has([type="checkbox"])') ?? element).getBoundingClientRect().toJSON(),
          }))
          .filter(({ width, height }) => width < 24 || height < 24)
          .map(({ what, width, height }) => `${width} × ${height}: ${what}`),
      )
    expect(small).toEqual([])
  })
}

test('a phone folds the receipt, the experiment, the filter and the older rows, and the page is short', async ({
  page,
  request,
}) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await page.setViewportSize({ width: 390, height: 844 })
  await visitLive(page)
  await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible()
  await openLab(page)
  expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(4000)

  const rows = page.getByRole('table', { name: 'Latest visits' }).getByRole('rowheader')
  await expect(rows.filter({ visible: true })).toHaveCount(12)
  await tabTo(page, page.getByRole('table', { name: 'Latest visits' }).getByRole('button').first())
  await page.keyboard.press('End')
  await expect(page.getByRole('table', { name: 'Latest visits' }).getByRole('button').nth(11)).toBeFocused()
  await page.getByRole('button', { name: 'Show 50' }).click()
  await expect(rows.filter({ visible: true })).toHaveCount(50)

  for (const [fold, content] of [
    ['The cookie that decided', fact(page, 'Your address')],
    ['Set-up', page.getByRole('button', { name: '10 who return' })],
    ['Policies and results', page.getByRole('checkbox', { name: 'With my cookie' })],
    ['Filter', page.getByLabel('Address', { exact: true })],
  ] as const) {
    await expect(content).toBeHidden()
    await page.getByRole('button', { name: fold, exact: true }).click()
    await expect(content).toBeVisible()
  }
})

test('visits can be sent, repeated and forgotten by keyboard', async ({ page }) => {
  await visitLive(page)
  await tabTo(page, page.getByText('How to check this'))
  await page.keyboard.press('Enter')
  await expect(page.getByText('md5sum')).toBeVisible()
  const counted = await sendVisits(page, 'With my cookie', async () => {
    await tabTo(page, page.getByRole('button', { name: 'Run', exact: true }))
    await page.keyboard.press('Enter')
  })
  expect(counted).toBe('With my cookie: 60 visits counted by 1 server.')
  const title = await page.title()
  const visit = await fact(page, 'Your visit').innerText()
  await tabTo(page, page.getByRole('link', { name: 'Visit again' }))
  await page.keyboard.press('Enter')
  await expect(fact(page, 'Your visit')).not.toHaveText(visit)
  await expect(fact(page, 'Why this server')).toHaveText('came back')
  expect(await page.title()).not.toBe(title)
  await expectHydrated(page)
  await tabTo(page, page.getByRole('button', { name: 'Forget my cookie' }))
  await page.keyboard.press('Enter')
  await expect(fact(page, 'Why this server')).toContainText('new visitor')
})

test('the audit keeps the focus while open', async ({ page }) => {
  await visitLive(page)
  await tabTo(page, page.getByRole('button', { name: 'Exact' }))
  await page.keyboard.press('Space')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('All are equal')).toBeVisible()
  await tabTo(page, dialog.getByRole('button', { name: 'Count again' }))
  await page.keyboard.press('Enter')
  await expect(dialog.getByText('All are equal')).toBeVisible()
  await tabTo(page, dialog.getByRole('button', { name: 'Close' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'Exact' })).toBeFocused()
})

// Motion and reduced motion. board.spec.ts checks the dots.

/** Records every animation and transition from the page's start. */
async function recordMotion(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const seen: string[] = []
    Object.assign(globalThis, { motion: seen })
    for (const event of ['animationstart', 'transitionrun']) {
      addEventListener(event, ({ target, type }) => {
        seen.push(`${type} ${target instanceof Element ? target.getAttribute('class') : ''}`)
      })
    }
    const animate = Element.prototype.animate
    Element.prototype.animate = function (...how) {
      seen.push(`animate ${this.getAttribute('class')}`)
      return animate.apply(this, how)
    }
  })
  return async () => z.array(z.string()).parse(await page.evaluate('globalThis.motion'))
}

/** What moves on a board during a visit, a theme change, and hovering over controls */
async function motionOf(
  browser: Browser,
  request: APIRequestContext,
  reducedMotion: 'reduce' | 'no-preference',
) {
  const context = await browser.newContext({ reducedMotion })
  const page = await context.newPage()
  const motion = await recordMotion(page)
  await visitLive(page)
  const newest = page.getByRole('table', { name: 'Latest visits' }).getByRole('rowheader').first()
  const before = await newest.innerText()
  await request.get('/', { headers: { accept: 'application/json' } })
  await expect(newest).not.toHaveText(before)
  await page.getByLabel('Theme').selectOption('dark')
  await openLab(page)
  for (const name of [/^Run/, 'Forget my cookie', 'Exact']) await page.getByRole('button', { name }).hover()
  const seen = await motion()
  await context.close()
  return seen
}

test('with reduced motion nothing moves, without it something does', async ({ browser, request }) => {
  expect(await motionOf(browser, request, 'no-preference')).not.toEqual([])
  expect(await motionOf(browser, request, 'reduce')).toEqual([])
})

/** Lets the board and the chart show this many more hits than there are. The page polls, as its stream is blocked. */
async function addHits(page: Page, more: number): Promise<void> {
  await page.route('**/api/live', route => route.abort())
  await page.route('**/api/snapshot', async route => {
    const { counter, earlier_hits, log, ...rest }: Snapshot = await (await route.fetch()).json()
    const rows = log.map(row => ({ ...row, id: row.id + more }))
    const sums = { counter: counter + more, earlier_hits: earlier_hits + more, log: rows }
    await route.fulfill({ json: { ...rest, ...sums } })
  })
  await page.route('**/api/history?*', async route => {
    const history: History = await (await route.fetch()).json()
    const servers = history.servers.map(server => ({ ...server, hits: server.hits.map(hits => hits + more) }))
    await route.fulfill({ json: { ...history, servers } })
  })
}

/** Elements that reach beyond the window, unless what is around them scrolls or cuts them off. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isCut = (element: Element): boolean => {
      const around = element.parentElement
      return around !== null && (getComputedStyle(around).overflowX !== 'visible' || isCut(around))
    }
    return [...document.body.querySelectorAll('*')]
      .filter(element => element.getBoundingClientRect().right > innerWidth + 0.01 && !isCut(element))
      .map(element => `${element.getBoundingClientRect().right} ${element.outerHTML.slice(0, 100)}`)
  })
}

test('nothing is wider than the window at 320 and 360 px: a finished run, millions of hits', async ({
  page,
}) => {
  await page.setViewportSize({ width: 360, height: 800 })
  await addHits(page, 1_234_567)
  await page.goto('/')
  await expect(fact(page, 'Counter')).toHaveText(/^1,23\d,\d{3}$/, { timeout: 30_000 })
  await openLab(page)
  for (const name of ['Set-up', 'Policies and results'])
    await lab(page).getByRole('button', { name, expanded: false }).click()
  await lab(page).getByRole('button', { name: /^Run/ }).click()
  await expect(
    lab(page)
      .getByText(/evenness/)
      .first(),
  ).toBeVisible()
  await expect(lab(page).getByRole('button', { name: 'Cancel' })).toBeDisabled({ timeout: 60_000 })
  await expect(page.getByText('busiest 5 seconds')).toBeVisible({ timeout: 30_000 })
  for (const width of [320, 360]) {
    await page.setViewportSize({ width, height: 800 })
    expect(await tooWide(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    if (process.env.SCREENSHOTS)
      await page.screenshot({ path: `test-results/narrow-${width}.png`, fullPage: true })
  }
})

test('for a reader whose text is twice as large, nothing overlaps or is wider than the window', async ({
  baseURL,
}) => {
  const launch = chromiumLaunch()
  // As chosen in the browser's settings. The page has the layout of a window that is half as wide.
  const args = [...(launch.args ?? []), '--blink-settings=defaultFontSize=32']
  await using browser = await chromium.launch({ ...launch, args })
  const page = await browser.newPage()
  await visitLive(page, baseURL)
  await openLab(page)
  await expect(page.getByRole('img', { name: /^Hits in the last/ })).toBeVisible()
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('32px')
  for (const width of [780, 1280, 1536, 2560]) {
    await page.setViewportSize({ width, height: 900 })
    expect(await tooWide(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    await expect.poll(() => overlappingTexts(page)).toEqual([])
    if (process.env.SCREENSHOTS)
      await page.screenshot({ path: `test-results/large-text-${width}.png`, fullPage: true })
  }
})
