import AxeBuilder from '@axe-core/playwright'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Page,
  test,
} from '@playwright/test'
import { overlappingTexts, watchConsole, watchShifts } from './page-checks.ts'

/** One browser window of a size, on the board. */
type Window = {
  name: string
  width: number
  page: Page
  /** what its console complained about, so far */
  complaints: string[]
  /** what moved by itself, so far */
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

type How = {
  context?: BrowserContextOptions
  /** done in each before it goes to the board */
  prepare?: (page: Page) => Promise<unknown>
}

/** A window of each size, of a visitor each. */
export async function openWindows(browser: Browser, url: string, how: How = {}): Promise<Windows> {
  const contexts: BrowserContext[] = []
  const all = await Promise.all(
    sizes.map(async viewport => {
      const context = await browser.newContext({ ...how.context, viewport, colorScheme: 'light' })
      contexts.push(context)
      return openWindow(await context.newPage(), url, viewport.width, how.prepare)
    }),
  )
  return withAll(all, async () => {
    await Promise.all(contexts.map(context => context.close()))
  })
}

/** A tab of each size, all of one visitor who has `before` tabs open already. */
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

async function openWindow(page: Page, url: string, width: number, prepare?: How['prepare']): Promise<Window> {
  const complaints = watchConsole(page)
  const shifts = await watchShifts(page)
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
  /** what the console says in this state, and rightly */
  complaints?: RegExp
  /** no script runs in the windows: axe cannot either */
  scriptless?: boolean
}

/**
 * Fails with all that is wrong in any of the windows, light and dark: something moved by itself, stands outside the
 * window or over something else, has no name or too little contrast, or the console complains. With SCREENSHOTS=1 it
 * leaves pictures of all in test-results.
 */
export async function expectInOrder({ all }: Windows, allowed: Allowed = {}): Promise<void> {
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
    // Colours on their way to the other theme are neither's.
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

/** All rules in the first theme; in the other only what a theme can change. */
async function axeFindings(page: Page, colorScheme: (typeof themes)[number]): Promise<string[]> {
  // The page has no frames: so axe need not gather what each of them found in a page of its own, which takes seconds.
  const axe = new AxeBuilder({ page }).setLegacyMode()
  if (colorScheme === 'light') axe.options({ rules: { 'target-size': { enabled: true } } })
  else axe.withRules(['color-contrast'])
  const { violations } = await axe.analyze()
  return violations.map(
    ({ id, help, nodes }) => `${colorScheme}: ${id}: ${help}: ${nodes.map(({ target }) => target).join(' ')}`,
  )
}

/** Fifty rows of the log, as lists of two lines, and ten servers need some 7,000. */
const highest = 12_000

/** What a person would have to scroll sideways for, or down without end. */
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
    ...(pageHeight > highest ? [`the page is ${pageHeight} px high`] : []),
    ...beside,
  ]
}
