import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, expect, type Page, test } from '@playwright/test'
import { chromiumLaunch } from '../tools/lib/chromium.ts'
import { visitMany } from '../tools/lib/visitors.ts'
import { logPage } from '../web/shared/limits.ts'
import { failRequests } from './support/network.ts'
import {
  connectionStatus,
  expectHydrated,
  expectLive,
  visitElsewhere,
  visitLive,
} from './support/page-checks.ts'

// Browsers that lack or block features that the page uses, and unusual ways to open it: it works and shows nothing untrue.

const visit = (page: Page) => page.getByRole('region', { name: 'Your visit' })
const log = (page: Page) => page.getByRole('table', { name: 'Latest visits' })

let busy: string | undefined

/** The srv_id of a server with more visits than a log page has rows */
async function busyServer(url: string): Promise<string> {
  const visits = new Map<string, number>()
  while (busy === undefined) {
    for (const { hit, srvId } of await visitMany(`${url}/`, {
      connections: 1,
      pageViews: 60,
      keepCookies: true,
    }))
      if (hit !== null && srvId) visits.set(srvId, (visits.get(srvId) ?? 0) + 1)
    busy = [...visits].find(([, count]) => count > logPage.default)?.[0]
  }
  return busy
}

/** Uncaught errors of the page */
function watchErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(String(error)))
  return errors
}

/** Checks that the figures update, and that the log can be filtered, paged and exported. */
async function expectWorking(page: Page, url: string, connection: RegExp = /^Live/): Promise<void> {
  const errors = watchErrors(page)
  const srvId = await busyServer(url)
  await page.goto(`${url}/`)
  await expect(connectionStatus(page)).toHaveText(connection, { timeout: 30_000 })
  const newest = await visitElsewhere(url, 2)
  await expect(visit(page)).toContainText(newest)
  await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible()

  await page.locator('select[name=srv_id]').selectOption(srvId)
  await expect(page.getByText('Newest that match')).toBeVisible()
  await page.getByRole('button', { name: 'Older' }).click()
  await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  await expect(page).toHaveURL(new RegExp(`[?&]srv_id=${srvId}&before=\\d+$`))
  const name = await page.locator('select[name=srv_id] option:checked').innerText()
  for (const row of await log(page).getByRole('row').filter({ hasNotText: 'Number' }).allInnerTexts())
    expect(row).toContain(name)
  await expect(page.getByRole('link', { name: 'CSV' })).toHaveAttribute(
    'href',
    `/api/log.csv?srv_id=${srvId}`,
  )
  expect(errors).toEqual([])
}

// Features that the page or its libraries use, or could use, and that a browser supported by Next (Chrome 111, Firefox 111,
// Safari 16.4) lacks, or lacks in places. Source: https://developer.mozilla.org/en-US/docs/Web/API
const newer = [
  ['URLSearchParams.prototype.size'],
  ['AbortSignal.any'],
  ['HTMLElement.prototype.popover', 'HTMLElement.prototype.showPopover'],
  ['OffscreenCanvas', 'HTMLCanvasElement.prototype.transferControlToOffscreen'],
  ['Worker'],
  ['Element.prototype.role', 'Element.prototype.ariaLabel'],
  ['BroadcastChannel'],
  ['navigator.locks'],
  ['localStorage'],
  ['sessionStorage'],
  ['requestIdleCallback', 'scheduler', 'navigation'],
  ['crypto.randomUUID', 'crypto.subtle'],
  ['URL.canParse', 'URL.parse'],
  ['Intl.DurationFormat', 'Intl.Segmenter'],
  ['Promise.withResolvers', 'Promise.try', 'Array.fromAsync', 'Object.groupBy', 'Map.groupBy', 'Iterator'],
  [
    'Array.prototype.toSorted',
    'Array.prototype.toReversed',
    'Array.prototype.toSpliced',
    'Array.prototype.with',
  ],
  [
    'Set.prototype.union',
    'Set.prototype.intersection',
    'Set.prototype.difference',
    'Set.prototype.isSubsetOf',
  ],
  ['String.prototype.isWellFormed', 'String.prototype.toWellFormed', 'ArrayBuffer.prototype.transfer'],
]

for (const names of newer) {
  test(`a browser without ${names.join(', ')}`, async ({ page, baseURL }) => {
    await page.addInitScript(names => {
      for (const name of names) {
        const path = name.split('.')
        const last = path.pop() ?? ''
        let owner: unknown = globalThis
        for (const part of path) owner = Object(Reflect.get(Object(owner), part))
        // Properties of an interface are on its prototype.
        for (let at: unknown = owner; at !== null; at = Reflect.getPrototypeOf(Object(at)))
          Reflect.deleteProperty(Object(at), last)
      }
    }, names)
    // A page without polyfills.
    await page.goto('/healthz')
    for (const name of names)
      expect(await page.evaluate(`typeof ${name}`).catch(() => 'undefined')).toBe('undefined')
    await expectWorking(page, baseURL ?? '')
  })
}

/** Features that exist but fail, and the connection status then */
const failing: [what: string, script: string, connection: RegExp][] = [
  [
    'storage that throws',
    `for (const name of ['localStorage', 'sessionStorage'])
    Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })`,
    /^Live/,
  ],
  [
    'storage that is null',
    `for (const name of ['localStorage', 'sessionStorage'])
    Object.defineProperty(window, name, { value: null })`,
    /^Live/,
  ],
  [
    'no room in its storage',
    `Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }`,
    /^Live/,
  ],
  [
    'locks that never answer',
    `LockManager.prototype.request = () => new Promise(() => {})`,
    /^Polling every 2 s.*does not let its tabs share/,
  ],
  [
    'locks that answer too late at first, as on a busy machine',
    `const { request } = LockManager.prototype
    const late = performance.now() + 3000
    LockManager.prototype.request = async function (...given) {
      await new Promise(resolve => setTimeout(resolve, late - performance.now()))
      return request.apply(this, given)
    }`,
    /^Live/,
  ],
  [
    'locks that are refused',
    `LockManager.prototype.request = async () => { throw new DOMException('no', 'SecurityError') }`,
    /^Live/,
  ],
  [
    'locks that throw',
    `LockManager.prototype.request = () => { throw new DOMException('no', 'SecurityError') }`,
    /^Live/,
  ],
  [
    'neither locks nor storage',
    `delete Navigator.prototype.locks
    Object.defineProperty(window, 'localStorage', { value: null })`,
    /^Polling every 2 s/,
  ],
  [
    'channels that throw',
    `window.BroadcastChannel = class { constructor() { throw new DOMException('no', 'SecurityError') } }`,
    /^Live/,
  ],
  [
    'event streams that throw',
    `window.EventSource = class { constructor() { throw new DOMException('no', 'SecurityError') } }`,
    /^Polling every 2 s/,
  ],
  [
    'workers that throw',
    `window.Worker = class { constructor() { throw new DOMException('no', 'SecurityError') } }`,
    /^Live/,
  ],
]

for (const [what, script, connection] of failing) {
  test(`a browser with ${what}`, async ({ page, baseURL }) => {
    await page.addInitScript(script)
    await expectWorking(page, baseURL ?? '', connection)
    await page.getByLabel('Theme').selectOption('dark')
    await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark')
  })
}

test('Chromium with all cookies blocked claims no cookie and no earlier visit', async ({ baseURL }) => {
  const profile = mkdtempSync(join(tmpdir(), 'board-chromium-'))
  // 2: block. Source: https://chromeenterprise.google/policies/#DefaultCookiesSetting
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } }
  await mkdir(join(profile, 'Default'))
  await writeFile(join(profile, 'Default/Preferences'), JSON.stringify(preferences))
  try {
    await using context = await chromium.launchPersistentContext(profile, chromiumLaunch())
    const page = context.pages()[0] ?? (await context.newPage())
    await expectWorking(page, baseURL ?? '', /^(?:Live|Polling every 2 s)/)
    await page.reload()
    await expect(visit(page)).toContainText('not kept: your browser blocks cookies')
    await expect(visit(page)).not.toContainText(/stays yours for|visits in a row|from this tab/)
    expect(await context.cookies()).toEqual([])
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
})

for (const hours of [1, -1]) {
  test(`the machine’s clock jumps by ${hours} h during an outage: nothing untrue is shown`, async ({
    page,
  }) => {
    await page.clock.install()
    const requests = await failRequests(page, '**/api/*')
    await page.goto('/')
    await expect(connectionStatus(page)).toContainText('Not connected', { timeout: 30_000 })
    const figuresAt = (await connectionStatus(page).locator('time').innerText()).trim()
    await page.clock.setSystemTime(Date.now() + hours * 3_600_000)
    await expect(visit(page)).toContainText(hours > 0 ? 'expired' : /stays yours for 1:0\d:\d\d/)
    await expect(connectionStatus(page)).toContainText('Not connected', { timeout: 30_000 })
    // On another day a date precedes the time.
    await expect(connectionStatus(page).locator('time')).toHaveText(new RegExp(`${figuresAt}$`))
    await expect(connectionStatus(page)).toHaveText(/No answer from any server for (?:\d\d? s|[1-4] min): /)
    requests.passOn()
    await expectLive(page)
  })
}

/** Restores the page from the back/forward cache. */
const restore = (page: Page) =>
  page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))

test('a page restored by Back knows that its cookie was forgotten meanwhile', async ({ context }) => {
  const page = await context.newPage()
  // A cached page receives no messages.
  await page.addInitScript('delete globalThis.BroadcastChannel')
  await visitLive(page)
  await expect(visit(page)).toContainText('stays yours for')
  const other = await context.newPage()
  await visitLive(other)
  const forgets = other.waitForResponse('**/api/forget')
  await other.route('**/', route => route.abort())
  await other.getByRole('button', { name: 'Forget my cookie' }).click()
  await forgets
  await expect(visit(page)).toContainText('stays yours for')
  await restore(page)
  await expect(visit(page)).toContainText('forgotten: the next visit may go to any server')
  await expectLive(page)
})

test('a page restored by Back in a browser without storage claims nothing about the cookie', async ({
  page,
}) => {
  await page.addInitScript(
    `Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }`,
  )
  await page.goto('/')
  await expectHydrated(page)
  await expect(visit(page)).toContainText('stays yours for')
  await restore(page)
  await expect(visit(page)).toContainText('not known: other pages may have changed the cookie')
})

test('a duplicated tab does not count the visits of the original tab', async ({ page, context }) => {
  await page.goto('/')
  await expect(visit(page)).toContainText('first visit from this tab')
  for (const times of [2, 3]) {
    await page.reload()
    await expect(visit(page)).toContainText(`${times} visits in a row, same server`)
  }
  // A window opened by a page starts with a copy of its session storage, like a duplicated tab.
  const [copy] = await Promise.all([context.waitForEvent('page'), page.evaluate(() => void open('/'))])
  await expect(visit(copy)).toContainText('first visit from this tab')
  await copy.reload()
  await expect(visit(copy)).toContainText('2 visits in a row, same server')
  await page.reload()
  await expect(visit(page)).toContainText('4 visits in a row, same server')
})

test('a visit to another server is not called the first', async ({ page, context }) => {
  const servers = new Set<string | undefined>()
  await page.goto('/')
  await expect(visit(page)).toContainText('first visit from this tab')
  for (let tries = 0; tries < 30 && servers.size < 2; tries++) {
    await context.clearCookies({ name: 'srv_id' })
    const answer = await page.reload()
    servers.add(answer?.headers()['x-srv-id'])
    await expectLive(page)
    await expect(visit(page)).toContainText(
      /visits in a row, same server|previous visit from this tab went to another server/,
    )
  }
  expect(servers.size).toBe(2)
})

test('a page saved to disk does not mention a proxy', async ({ page }) => {
  await visitLive(page)
  const file = test.info().outputPath('board.html')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, await page.content())
  await page.goto(pathToFileURL(file).href)
  await expect(visit(page)).toBeVisible()
  await expect(page.getByText('works only at the path')).toHaveCount(0)
})

test('a browser without :has() loses no other selector of a CSS rule', async ({ page, request }) => {
  await page.goto('/')
  const lists = await page.evaluate(() => {
    const found: string[] = []
    const collect = (rules: CSSRuleList) => {
      for (const rule of rules) {
        if (rule instanceof CSSStyleRule) found.push(rule.selectorText)
        else if ('cssRules' in rule && rule.cssRules instanceof CSSRuleList) collect(rule.cssRules)
      }
    }
    for (const sheet of document.styleSheets) collect(sheet.cssRules)
    return found
  })
  expect(lists.filter(selector => selector.includes(':has(')).length).toBeGreaterThan(3)
  const flat = (selector: string): string => {
    const less = selector.replaceAll(/\([^()]*\)/g, '')
    return less === selector ? less : flat(less)
  }
  expect(lists.filter(selector => selector.includes(':has(') && flat(selector).includes(','))).toEqual([])

  const sheets = await page
    .locator('link[rel=stylesheet]')
    .evaluateAll(links => links.map(link => link.getAttribute('href') ?? ''))
  // Newer than the oldest supported browsers: the build must replace light-dark(), and nothing replaces color-mix().
  for (const sheet of sheets)
    expect(await (await request.get(sheet)).text()).not.toMatch(/light-dark\(|color-mix\(/)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`in forced colours, ${colorScheme}, all shapes are visible and the chosen button differs`, async ({
    page,
  }) => {
    await page.emulateMedia({ forcedColors: 'active', colorScheme })
    await visitLive(page)
    await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible()
    const colours = await page.evaluate(() => {
      const styleOf = (selector: string) => {
        const element = document.querySelector(selector)
        if (!element) throw new Error(`the page has no ${selector}`)
        return getComputedStyle(element)
      }
      const servers = '[aria-label="Hits per server"]'
      return {
        canvas: styleOf('html').backgroundColor,
        swatches: [...document.querySelectorAll(`${servers} span[data-hue]`)].map(
          name => getComputedStyle(name, '::before').backgroundColor,
        ),
        bars: [...document.querySelectorAll(`${servers} rect[data-hue]`)].map(
          bar => getComputedStyle(bar).fill,
        ),
        bar: styleOf(`${servers} rect + rect`).fill,
        track: styleOf(`${servers} rect`).stroke,
        trunk: styleOf('figure line').stroke,
        axis: styleOf('svg text').fill,
        pressed: styleOf('[aria-pressed=true]').backgroundColor,
        other: styleOf('[aria-pressed=false]').backgroundColor,
        card: styleOf('[data-yours]').outlineStyle,
      }
    })
    expect(colours.swatches.length).toBeGreaterThan(0)
    expect(new Set([colours.canvas, ...colours.swatches]).size).toBe(1 + colours.swatches.length)
    expect(colours.bars).toEqual(colours.swatches)
    for (const drawn of [colours.bar, colours.track, colours.trunk, colours.axis])
      expect(drawn).not.toBe(colours.canvas)
    expect(colours.pressed).not.toBe(colours.other)
    expect(colours.card).toBe('solid')
    const yours = page.getByRole('table', { name: 'Hits per server' }).getByRole('row', { name: /yours/ })
    await expect(yours).toHaveCSS('outline-style', 'solid')
  })
}
