import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Page,
  test,
} from '@playwright/test'
import { openAxe, overlappingTexts, watchConsole, watchShifts } from './page-checks.ts'

/** A browser window of one size, on the board */
type Window = {
  name: string
  width: number
  page: Page
  /** console complaints so far */
  complaints: string[]
  /** what moved by itself so far */
  shifts(): Promise<string[]>
}

const sizes = [
  { width: 360, height: 780 },
  { width: 768, height: 1024 },
  { width: 1280, height: 900 },
  { width: 2560, height: 1440 },
]

export type Windows = AsyncDisposable & {
  all: Window[]
  each(act: (page: Page) => Promise<unknown>): Promise<void>
}

/** A window that shows all of the page, because nothing outside the window counts as moved. */
const wholePage = { height: 7000, visibleShift: 0.00002 }

type OpenOptions = {
  context?: BrowserContextOptions
  /** windows that show all of the page */
  whole?: boolean
  /** runs in each window before it opens the board */
  prepare?: (page: Page) => Promise<unknown>
}

/** Opens a window of each size, each as a separate visitor. */
export async function openWindows(
  browser: Browser,
  url: string,
  options: OpenOptions = {},
): Promise<Windows> {
  const contexts: BrowserContext[] = []
  const all = await Promise.all(
    sizes.map(async size => {
      const viewport = options.whole ? { ...size, height: wholePage.height } : size
      const context = await browser.newContext({ ...options.context, viewport, colorScheme: 'light' })
      contexts.push(context)
      return openWindow(await context.newPage(), url, viewport.width, options)
    }),
  )
  return withAll(all, async () => {
    await Promise.all(contexts.map(context => context.close()))
  })
}

/** Opens a tab of each size, all of one visitor, who already has `before` tabs open. */
export async function openTabs(browser: Browser, url: string, before: number): Promise<Windows> {
  const context = await browser.newContext({ colorScheme: 'light' })
  for (let tab = 0; tab < before; tab++) await (await context.newPage()).goto(url)
  const all: Window[] = []
  for (const viewport of sizes) {
    const page = await context.newPage()
    await page.setViewportSize(viewport)
    all.push(await openWindow(page, url, viewport.width))
  }
  return withAll(all, () => context.close())
}

async function openWindow(
  page: Page,
  url: string,
  width: number,
  { prepare, whole = false }: OpenOptions = {},
): Promise<Window> {
  const complaints = watchConsole(page)
  const shifts = await (whole ? watchShifts(page, wholePage.visibleShift) : watchShifts(page))
  await prepare?.(page)
  await page.goto(url)
  return { name: `${width} px`, width, page, complaints, shifts }
}

function withAll(all: Window[], close: () => Promise<void>): Windows {
  return {
    all,
    async each(act) {
      await Promise.all(all.map(({ page }) => act(page)))
    },
    [Symbol.asyncDispose]: close,
  }
}

const themes = ['light', 'dark'] as const

type Allowed = {
  /** console complaints that this state causes */
  complaints?: RegExp
  /** No script runs in the windows, so axe cannot run. */
  scriptless?: boolean
}

/**
 * Checks every window, light and dark: nothing moved by itself, lies outside the window, overlaps, lacks a name or contrast,
 * and the console has no complaints. With SCREENSHOTS=1 writes screenshots to test-results.
 */
export async function expectNoFindings({ all }: Windows, allowed: Allowed = {}): Promise<void> {
  const found = await Promise.all(all.map(window => checkWindow(window, allowed)))
  expect(found.flat()).toEqual([])
}

async function checkWindow(
  { name, page, width, complaints, shifts }: Window,
  allowed: Allowed,
): Promise<string[]> {
  const found = (await shifts()).map(shift => `moved by itself, ${shift}`)
  found.push(...(await outside(page, width)), ...(await overlappingTexts(page)))
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme })
    // Ends the colour transitions between the themes.
    await page.evaluate(() => {
      for (const animation of document.getAnimations()) animation.finish()
    })
    if (!allowed.scriptless) found.push(...(await axeFindings(page, colorScheme)))
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: test.info().outputPath(`${width}-${colorScheme}.png`), fullPage: true })
    }
  }
  found.push(...complaints.filter(text => !allowed.complaints?.test(text)))
  return found.map(finding => `${name}: ${finding}`)
}

/** All rules in the first theme; only the contrast rule in the other */
async function axeFindings(page: Page, colorScheme: (typeof themes)[number]): Promise<string[]> {
  const axe = openAxe(page)
  if (colorScheme === 'light') axe.options({ rules: { 'target-size': { enabled: true } } })
  else axe.withRules(['color-contrast'])
  const { violations } = await axe.analyze()
  return violations.map(
    ({ id, help, nodes }) => `${colorScheme}: ${id}: ${help}: ${nodes.map(({ target }) => target).join(' ')}`,
  )
}

/** px; fifty log rows as two-line lists and ten servers need about 7,000 */
const maxHeight = 12_000

/** What lies outside the window's width, and a page that is too high */
async function outside(page: Page, width: number): Promise<string[]> {
  const [pageWidth, pageHeight] = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement
    return [scrollWidth, scrollHeight]
  })
  const widest = await page
    .locator('body *')
    .evaluateAll(
      (elements, width) =>
        elements
          .filter(element => element.getBoundingClientRect().right > width && element.childElementCount === 0)
          .map(element => element.outerHTML.slice(0, 120)),
      width,
    )
  const controls = page.locator('a, button, input, select, summary').filter({ visible: true })
  const beside = await controls.evaluateAll(
    (elements, width) =>
      elements
        .map(element => ({
          what: element.outerHTML.slice(0, 120),
          ...element.getBoundingClientRect().toJSON(),
        }))
        .filter(({ left, right }) => left < 0 || right > width)
        .map(({ what }) => `outside: ${what}`),
    width,
  )
  return [
    ...(pageWidth > width ? [`the page is ${pageWidth} px wide: ${widest.slice(0, 3).join(' ')}`] : []),
    ...(pageHeight > maxHeight ? [`the page is ${pageHeight} px high`] : []),
    ...beside,
  ]
}
