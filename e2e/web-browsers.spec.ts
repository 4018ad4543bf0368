import { chromium, expect, type Page, test } from '@playwright/test'
import type { Browser } from 'puppeteer-core'
import puppeteer from 'puppeteer-core'
import { z } from 'zod'
import { findFirefox } from '../tools/install/programs.mjs'
import { chromiumLaunch } from '../tools/lib/chromium.ts'
import { type BoardControl, openBoardControl } from './support/board-control.ts'
import { holdScripts } from './support/network.ts'
import {
  connectionStatus,
  expectLive,
  overlappingTexts,
  sendVisits,
  visitElsewhere,
  watchConsole,
} from './support/page-checks.ts'

// Firefox, two boards in one browser, many tabs, and translated pages.

test.skip(!process.env.STACK_FILE || !process.env.STATES_STACK_FILE, 'needs two boards on this machine')
test.use({ trace: 'off' })

// Firefox: with all cookies blocked it throws when a page accesses storage, channels or locks.

/** 2: none are kept. Source: https://searchfox.org/mozilla-central/source/netwerk/cookie/nsICookieService.idl */
const noCookies = { 'network.cookie.cookieBehavior': 2 }
/** What the device prefers. Source of these preferences: https://searchfox.org/mozilla-central/source/modules/libpref/init/StaticPrefList.yaml */
const dark = { 'layout.css.prefers-color-scheme.content-override': 0 }
const light = { 'layout.css.prefers-color-scheme.content-override': 1 }
/** The reader's colours replace the page's. */
const forcedColors = { 'browser.display.document_color_use': 2 }

const noScripts = { 'javascript.enabled': false }

/** Opens the board in Firefox. `preferences` as in about:config */
async function openBoard(url: string, preferences: Record<string, unknown>) {
  const browser = await launchFirefox(preferences)
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', error => errors.push(String(error)))
  page.on('console', message => {
    if (['error', 'warn'].includes(message.type())) errors.push(message.text())
  })
  await page.goto(url)
  const text = (selector: string) => page.$eval(selector, element => element.textContent ?? '')
  const status = () => text('[role=status]')
  const visit = () => text('section[aria-label="Your visit"]')
  return { page, errors, text, status, visit, [Symbol.asyncDispose]: () => browser.close() }
}

test('Firefox with all cookies blocked: the page works and claims no cookie and no earlier visit', async ({
  baseURL,
}) => {
  await using board = await openBoard(baseURL ?? '', noCookies)
  await expect.poll(board.status, { timeout: 30_000 }).toContain('Polling every 2 s')
  for (let visits = 0; visits < 2; visits++) {
    const visit = await board.visit()
    expect(visit).toContain('not kept: your browser blocks cookies')
    expect(visit).not.toMatch(/stays yours for|visits in a row|from this tab/)
    await board.page.reload()
    await expect.poll(board.status, { timeout: 30_000 }).toContain('Polling every 2 s')
  }
  const newest = await visitElsewhere(baseURL ?? '')
  await expect.poll(board.visit, { timeout: 15_000 }).toContain(newest)
  await board.page.select('select', 'dark')
  expect(await board.page.$eval('html', html => html.dataset.theme)).toBe('dark')
  expect(board.errors).toEqual([])
})

type FirefoxBoard = Awaited<ReturnType<typeof openBoard>>

/** Sets the window's width, and checks that nothing is wider, overlaps or stands elsewhere than the header. */
async function expectInOrder({ page }: FirefoxBoard, name: string, width: number): Promise<void> {
  await page.setViewport({ width, height: 900 })
  // Puppeteer's `$$eval` hangs where JavaScript is off.
  const edges = (selector: string) =>
    page.evaluate(selector => {
      const boxes = [...document.querySelectorAll(selector)].map(element => element.getBoundingClientRect())
      return [Math.min(...boxes.map(({ left }) => left)), Math.max(...boxes.map(({ right }) => right))]
    }, selector)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
  expect(await overlappingTexts(page)).toEqual([])
  expect(await edges('figure [data-part]')).toEqual(await edges('header'))
  if (process.env.SCREENSHOTS)
    await page.screenshot({ path: test.info().outputPath(`${name}-${width}.png`), fullPage: true })
}

const windowWidths = [390, 768, 1280, 1440, 2560]

for (const [name, preferences] of Object.entries({ light, dark, forced: { ...light, ...forcedColors } })) {
  test(`Firefox, ${name}: the page is live and in order at every width, and each server has its mark`, async ({
    baseURL,
  }) => {
    await using board = await openBoard(baseURL ?? '', preferences)
    const { page, errors, status, visit } = board
    await expect.poll(status, { timeout: 30_000 }).toContain('Live')
    expect(await visit()).toMatch(/stays yours for \d:\d\d/)
    const bars = () => page.$$eval('[role=img] path[d^=M]', paths => paths.length)
    await expect.poll(bars, { timeout: 30_000 }).toBeGreaterThan(0)
    for (const width of windowWidths) await expectInOrder(board, name, width)
    const marks = await page.$$eval('figure [data-part=ring]', rings =>
      rings.map(ring => getComputedStyle(ring).stroke),
    )
    expect(marks.length).toBeGreaterThan(1)
    expect(new Set(marks).size).toBe(marks.length)
    expect(await page.evaluate(() => matchMedia('(forced-colors: active)').matches)).toBe(name === 'forced')
    expect(await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)).toBe(
      name === 'dark',
    )
    expect(errors).toEqual([])
  })
}

test('Firefox: the controls of the panels work', async ({ baseURL }) => {
  await using board = await openBoard(baseURL ?? '', light)
  const { page, errors, status, text } = board
  await expect.poll(status, { timeout: 30_000 }).toContain('Live')
  const press = (words: string) => page.locator(`button::-p-text(${words})`).click()
  await press('1 h')
  await expect.poll(() => page.$$('[role=img][aria-label*="last 1 h"]')).toHaveLength(1)
  await page.locator('button[aria-label*="why number"]').click()
  await expect.poll(() => text('main')).toMatch(/srv_id [0-9a-f]{32}/)
  await page.locator('button[aria-haspopup=dialog]').click()
  await expect.poll(() => text('dialog'), { timeout: 30_000 }).toContain('All are equal')
  await page.keyboard.press('Escape')
  await expect.poll(() => page.$$('dialog[open]')).toHaveLength(0)
  await page.$eval('#lab', lab => lab.scrollIntoView())
  await press('Run all')
  await expect.poll(() => text('#lab'), { timeout: 60_000 }).toMatch(/evenness/)
  expect(errors).toEqual([])
})

test('Firefox without JavaScript: the picture, the tables and the time of the figures', async ({
  baseURL,
}) => {
  await using board = await openBoard(baseURL ?? '', { ...light, ...noScripts })
  expect(await board.status()).toMatch(/^As of \d\d:\d\d:\d\d UTC$/)
  for (const width of windowWidths) await expectInOrder(board, 'scriptless', width)
  const printed = await board.page.pdf()
  expect(printed.length).toBeGreaterThan(10_000)
})

test('Firefox: an experiment of the lab with a slow server runs, and says what was seen', async ({
  baseURL,
}) => {
  await using board = await openBoard(`${baseURL}/?lab=slow-server`, light)
  const { page, errors, status, text } = board
  await expect.poll(status, { timeout: 30_000 }).toContain('Live')
  await page.$eval('#lab', lab => lab.scrollIntoView())
  const press = (words: string) => page.locator(`#lab button::-p-text(${words})`).click()
  await press('Its full share')
  await press('Run all 3')
  const findings = () => text('#lab [aria-live]')
  await expect.poll(findings, { timeout: 60_000 }).toMatch(/gave slow \S+ \d+% of visits/)
  const roundRobin = await page.$$eval('#lab tbody tr:first-of-type td:first-of-type > span > span', bars =>
    bars.map(bar => Number(bar.lastElementChild?.textContent)),
  )
  expect(roundRobin.reduce((sum, visits) => sum + visits, 0)).toBe(60)
  expect(errors).toEqual([])
})

/**
 * Starts the Firefox of this machine with Puppeteer, because Playwright cannot drive it.
 * @param preferences as in about:config
 * @throws if there is no Firefox
 */
async function launchFirefox(preferences: Record<string, unknown>): Promise<Browser & AsyncDisposable> {
  const executablePath = findFirefox()
  if (!executablePath) throw new Error('there is no recent Firefox on this machine')
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: {
      'network.captive-portal-service.enabled': false,
      // 0: no proxy, not even from HTTP_PROXY, because tests open only pages on this machine.
      'network.proxy.type': 0,
      ...preferences,
    },
  })
  return browser
}

test('two boards at two ports of one host replace each other’s cookie, and the page says so', async ({
  page,
}) => {
  await using other = openBoardControl()
  const notice = page.getByText(
    'Another board on this host may have set it: cookies are shared by all ports.',
  )
  await page.goto('/')
  await expect(notice).toBeHidden()
  await page.goto(other.url)
  await expect(notice).toBeVisible()
  await page.goto('/')
  await expect(notice).toBeVisible()
  await expect(page.getByText('Your visit was counted.')).toHaveCount(0)
  await page.reload()
  await expect(notice).toBeHidden()
})

// Many tabs of one browser without Web Locks, which are missing on plain HTTP except on localhost.

const failedRequests = /Failed to load resource|net::ERR_/

test('seven visible tabs on plain HTTP: all load, four are live, and closing a live tab lets another go live', async ({
  baseURL,
}) => {
  const launch = chromiumLaunch()
  await using browser = await chromium.launch({
    ...launch,
    args: [...(launch.args ?? []), '--host-resolver-rules=MAP board.test 127.0.0.1'],
  })
  const board = new URL(baseURL ?? '')
  board.hostname = 'board.test'
  const context = await browser.newContext()
  const tabs: Page[] = []
  for (let tab = 0; tab < 7; tab++) {
    const page = await context.newPage()
    await page.goto(board.href)
    tabs.push(page)
  }
  expect(await tabs[0]?.evaluate(() => isSecureContext)).toBe(false)
  const live = async () => {
    const texts = await Promise.all(tabs.map(page => connectionStatus(page).innerText()))
    return texts.filter(text => text.startsWith('Live')).length
  }
  for (const page of tabs)
    await expect(connectionStatus(page)).toContainText(/Live|Polling every 2 s/, { timeout: 30_000 })
  // A tab that found all places taken tries again after ten seconds.
  await expect.poll(live, { timeout: 30_000 }).toBe(4)

  await tabs.shift()?.close()
  await tabs.shift()?.close()
  await expect.poll(live, { timeout: 30_000 }).toBe(4)
})

// A browser that translates the page replaces every text node, and React must cope with that.

const figures = (page: Page) => page.getByRole('region', { name: 'Your visit' })

/** Sends visits, and checks that the page's counter shows them. */
async function visitsComeIn(page: Page, url: string) {
  const newest = await visitElsewhere(url)
  await expect(figures(page)).toContainText(newest)
  await expect(page).toHaveTitle(`${newest} · Balance Board`)
}

test('a translated page stays live and current after a freeze of the server, then of the database', async ({
  page,
}) => {
  await using boardControl = openBoardControl()
  const complaints = watchConsole(page)
  await page.goto(boardControl.url)
  await expectLive(page, /^Live/)
  const touched = await translate(page)
  await visitsComeIn(page, boardControl.url)

  for (const [service, words] of [
    ['server', 'Not connected'],
    ['database', 'Database not answering'],
  ] as const) {
    const thaw = boardControl.freeze(service)
    await expect(connectionStatus(page)).toContainText(words, { timeout: 20_000 })
    thaw()
    await expectLive(page, /^Live/)
    await visitsComeIn(page, boardControl.url)
  }

  await expect(page.getByRole('heading', { name: 'Balance Board' })).toBeVisible()
  expect(await touched()).toEqual([])
  expect(complaints.filter(text => !failedRequests.test(text))).toEqual([])
})

test('every control of a translated page works', async ({ page }) => {
  await using boardControl = openBoardControl()
  await boardControl.addVisits([{ server: 'web-1', count: 120, clientIps: ['10.0.0.7'] }])
  const complaints = watchConsole(page)
  await page.goto(boardControl.url)
  await expectLive(page, /^Live/)
  const touched = await translate(page)

  for (const range of ['1 h', '24 h', '5 min']) {
    await page.getByRole('button', { name: range, exact: true }).click()
    await expect(page.getByRole('button', { name: range, exact: true, pressed: true })).toBeVisible()
  }
  await page.getByText('As a table').click()
  await page
    .getByRole('button', { name: /why number/ })
    .nth(2)
    .click()
  await page
    .getByRole('button', { name: /why number/ })
    .nth(4)
    .click()
  await page.getByRole('button', { name: 'Back to live' }).click()
  await page.getByRole('button', { name: 'Older' }).click()
  await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  await page.getByRole('button', { name: 'Newer' }).click()
  await page.getByLabel('Address', { exact: true }).fill('10.0.0.7')
  await page.getByRole('button', { name: 'Apply' }).click()
  await expect(page.getByText('Newest that match')).toBeVisible()
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.getByLabel('Sort by').selectOption({ index: 1 })
  await page.getByRole('button', { name: /Exact/ }).click()
  await expect(page.getByText('All are equal')).toBeVisible()
  await page.getByRole('button', { name: 'Close' }).click()
  expect(complaints).toEqual([])
  await sendVisits(page, 'Without a cookie')
  await visitsComeIn(page, boardControl.url)

  expect(await touched()).toEqual([])
  // A busy server may have refused visits.
  expect(complaints.filter(text => !failedRequests.test(text))).toEqual([])
})

/** Checks that the page is live, and is again after a freeze of the server. */
async function expectLiveAndCurrent(page: Page, boardControl: BoardControl): Promise<void> {
  await expectLive(page, /^Live/)
  await visitsComeIn(page, boardControl.url)
  const thaw = boardControl.freeze('server')
  await expect(connectionStatus(page)).toContainText('Not connected', { timeout: 20_000 })
  thaw()
  await expectLive(page, /^Live/)
  await visitsComeIn(page, boardControl.url)
  await expect(page.getByRole('heading', { name: 'Balance Board' })).toBeVisible()
}

for (const [how, translatePage] of [
  ['text by text', translate],
  ['in place', translateInPlace],
] as const) {
  test(`a page translated ${how} before its scripts run goes live and stays so`, async ({ page }) => {
    await using boardControl = openBoardControl()
    const releaseScripts = await holdScripts(page)
    await page.goto(boardControl.url, { waitUntil: 'domcontentloaded' })
    await expect(connectionStatus(page)).toContainText('As of')
    await translatePage(page)
    releaseScripts()
    await expectLiveAndCurrent(page, boardControl)
  })
}

test('a page translated in place stays live and current', async ({ page }) => {
  await using boardControl = openBoardControl()
  const complaints = watchConsole(page)
  await page.goto(boardControl.url)
  await expectLive(page, /^Live/)
  await translateInPlace(page)
  await expectLiveAndCurrent(page, boardControl)
  expect(complaints.filter(text => !failedRequests.test(text))).toEqual([])
})

test('a page whose DOM another program breaks is drawn again each time, and its counter never goes back', async ({
  page,
}) => {
  await using boardControl = openBoardControl()
  await page.goto(boardControl.url)
  await expectLive(page, /^Live/)
  await visitsComeIn(page, boardControl.url)
  await page.evaluate(() => {
    const seen: string[] = []
    Object.assign(window, { seenTexts: seen })
    new MutationObserver(() => {
      const counter = document.querySelector('section[aria-label="Your visit"]')?.textContent ?? ''
      const number = /Counter([\d,]+)/.exec(counter)?.[1]?.replaceAll(',', '')
      if (number !== undefined && number !== seen.at(-1)) seen.push(number)
    }).observe(document.body, { childList: true, characterData: true, subtree: true })
  })
  for (let breakage = 0; breakage < 8; breakage++) {
    const why = page.getByRole('button', { name: /why number/ }).nth(3)
    await why.click()
    const opened = page.getByText(/^srv_id/)
    await expect(opened).toBeVisible()
    await opened.evaluate(element => element.closest('tr')?.remove())
    // React now tries to remove the missing row.
    await why.click()
    await expectLive(page, /^Live/)
    await expect(page.getByText('The board could not be shown')).toHaveCount(0)
    await visitsComeIn(page, boardControl.url)
  }
  const numbers = z
    .array(z.string())
    .parse(await page.evaluate('seenTexts'))
    .map(Number)
  expect(numbers.length).toBeGreaterThan(8)
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
})

/** Appended to each text that is translated in place: an invisible change */
const translated = '\u2060'

/** Translates the page as some browsers do: changes each text node, also those added later. */
async function translateInPlace(page: Page): Promise<void> {
  await page.evaluate(translated => {
    function translateIn(node: Node): void {
      if (node instanceof Text && node.data.trim() !== '' && !node.data.endsWith(translated)) {
        if (!node.parentElement?.closest('script, style, textarea')) node.data += translated
      } else for (const child of node.childNodes) translateIn(child)
    }
    translateIn(document.body)
    new MutationObserver(changes => {
      for (const { type, target, addedNodes } of changes) {
        if (type === 'characterData') translateIn(target)
        else for (const node of addedNodes) translateIn(node)
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true })
  }, translated)
}

/**
 * Translates the page as most browsers do: replaces each text node, also those added later, with two nested `font` elements
 * around a new text. React then holds text nodes that are no longer in the page.
 * @returns a function that lists React's changes to these nodes; empty if each text that changes is alone in its element
 */
async function translate(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const found: string[] = []
    Object.assign(window, { touchedTexts: found })

    const isReacts = (node: unknown): node is Text =>
      node instanceof Text && Object.keys(node).some(key => key.startsWith('__reactFiber$'))
    const note = (what: string, node: unknown) => {
      if (isReacts(node)) found.push(`${what}: ${node.data}`)
    }
    const prototype = Node.prototype
    const value = Object.getOwnPropertyDescriptor(prototype, 'nodeValue')
    Object.defineProperty(prototype, 'nodeValue', {
      ...value,
      set(this: Node, text: string) {
        if (this.nodeValue !== text) note('changed', this)
        value?.set?.call(this, text)
      },
    })
    const { insertBefore, removeChild } = prototype
    prototype.insertBefore = function <T extends Node>(this: Node, child: T, before: Node | null) {
      if (this.isConnected) note('inserted before', before)
      return insertBefore.call(this, child, before) as T
    }
    prototype.removeChild = function <T extends Node>(this: Node, child: T) {
      if (this.isConnected) note('removed', child)
      return removeChild.call(this, child) as T
    }

    function translateIn(node: Node): void {
      if (node instanceof Element && node.tagName !== 'FONT') {
        for (const child of [...node.childNodes]) translateIn(child)
      } else if (node instanceof Text && node.data.trim() !== '') {
        if (!node.parentElement || node.parentElement.closest('font, script, style, textarea')) return
        const [outer, inner] = [document.createElement('font'), document.createElement('font')]
        inner.append(node.data)
        outer.append(inner)
        node.replaceWith(outer)
      }
    }
    translateIn(document.body)
    new MutationObserver(changes => {
      for (const { type, target, addedNodes } of changes) {
        if (type === 'characterData') translateIn(target)
        else for (const node of addedNodes) translateIn(node)
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true })
  })
  return () =>
    page.evaluate(() => {
      const touched: unknown = Reflect.get(window, 'touchedTexts')
      return Array.isArray(touched) ? touched.map(String) : ['the page was loaded again']
    })
}
