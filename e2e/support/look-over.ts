import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'
import { overlappingTexts } from './overlaps.ts'
import type { Window, Windows } from './windows.ts'

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
  const found = await Promise.all(all.map(window => lookOver(window, allowed)))
  expect(found.flat()).toEqual([])
}

async function lookOver(
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
