import AxeBuilder from '@axe-core/playwright'
import { expect, type Locator, type Page } from '@playwright/test'
import { z } from 'zod'
import { visitMany } from '../../tools/lib/visitors.ts'

/** What the connection indicator says once the page's scripts run. The HTML says "As of 15:35:10". */
const running = /^(?:Connecting|Live|Polling every 2 s|Not connected|Database not answering)/

/** What the header says of the connection. */
export const connectionStatus = (page: Page) => page.getByRole('status', { name: 'Connection' })

/**
 * Waits until the page is hydrated. Before that, a click, a key or an event is lost, or has the effect that it has without
 * JavaScript; yet the HTML already shows the controls and most texts. Call it before using a control, unless the test waits
 * for something that only the scripts show.
 */
export async function expectHydrated(page: Page): Promise<void> {
  await expect(connectionStatus(page)).toHaveText(running, { timeout: 30_000 })
}

/**
 * Waits until the page follows the figures by its stream. On a busy machine that can take more than ten seconds: a page whose
 * request for a lock is not answered within two seconds polls, and tries again ten seconds later.
 */
export async function expectLive(page: Page, words: string | RegExp = 'Live'): Promise<void> {
  await expect(connectionStatus(page)).toHaveText(words, { timeout: 30_000 })
}

/** Opens the board and waits until it is live. */
export async function visitLive(page: Page, path = '/'): Promise<void> {
  await page.goto(path)
  await expectLive(page)
}

/** Sends visits from elsewhere; again if a busy server refused the last. @returns the newest number, as the page shows it */
export async function visitElsewhere(url: string, pageViews = 3): Promise<string> {
  let hit: number | null | undefined
  await expect(async () => {
    const answers = await visitMany(`${url}/`, { connections: 1, pageViews })
    hit = answers.at(-1)?.hit
    expect(hit).toBeGreaterThan(0)
  }).toPass()
  return new Intl.NumberFormat('en-US').format(hit ?? 0)
}

/** The value of a fact on the page, for example "Served by" */
export function fact(page: Page, name: string) {
  return page.getByRole('definition').and(page.locator(`dt:text-is("${name}") + dd`))
}

export const lab = (page: Page) => page.getByRole('region', { name: 'Lab' })

/** Scrolls to the lab, whose controls load when it comes near the window, and waits for them. The page must be hydrated. */
export async function openLab(page: Page): Promise<void> {
  await lab(page).getByRole('heading').scrollIntoViewIfNeeded()
  await expect(lab(page).getByRole('button', { name: /^Run/ })).toBeVisible({ timeout: 30_000 })
}

/** Has the lab compare these policies only. */
export async function choosePolicies(page: Page, ...names: string[]): Promise<void> {
  await openLab(page)
  for (const name of names) await lab(page).getByRole('checkbox', { name }).check()
  for (const label of await lab(page).locator('label:has([type=checkbox])').all()) {
    const text = await label.innerText()
    await label.getByRole('checkbox').setChecked(names.some(name => text.includes(name)))
  }
}

/**
 * Has the lab send sixty visits of the board, again if one was not counted: on a busy machine a server may refuse some, and the
 * page says so. `start` presses the button. @returns what the page says of the run
 */
export async function sendVisits(
  page: Page,
  cookie: 'With my cookie' | 'Without a cookie',
  start = () => lab(page).getByRole('button', { name: 'Run' }).click(),
): Promise<string> {
  const result = page.getByText(new RegExp(`^${cookie}: \\d`))
  await choosePolicies(page, cookie)
  await expect(async () => {
    await start()
    await expect(result).toBeVisible({ timeout: 30_000 })
    expect(await result.innerText()).toMatch(/: 60 visits counted by \d+ servers?\.$/)
  }).toPass()
  return result.innerText()
}

/** Finds what keeps people from using the page. Legacy mode skips the results of frames, which takes seconds; there are none. */
export function openAxe(page: Page): AxeBuilder {
  return new AxeBuilder({ page }).setLegacyMode()
}

/** Errors and warnings of the console, page errors and failed requests, as they occur */
export function watchConsole(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('requestfailed', request => {
    // A stream ends when its page closes.
    if (!request.url().endsWith('/api/live'))
      complaints.push(`${request.url()} ${request.failure()?.errorText}`)
  })
  return complaints
}

const recorded = z.array(z.object({ value: z.number(), what: z.string() }))

/** A smaller total score is invisible in a usual window: the box of a number grows with its digits. */
const visibleShift = 0.0005

/**
 * Records layout shifts without user input, from the first paint. Source: https://wicg.github.io/layout-instability/
 * `visible`: the least total score that counts; a move has a smaller score in a larger window.
 * @returns a function that lists what moved; empty if it is too little to see
 */
export async function watchShifts(page: Page, visible = visibleShift): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const shifts: { value: number; what: string }[] = []
    Object.assign(globalThis, { layoutShifts: shifts })
    const nameOf = (node: unknown) =>
      node instanceof Element
        ? `${node.tagName.toLowerCase()}.${node.getAttribute('class') ?? ''}`
        : String(node instanceof Node ? node.textContent : 'something gone')
    const textOf = ({ x, y, width, height }: DOMRect) =>
      [x, y, width, height].map(length => Math.round(length)).join(' ')
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        if (!('value' in entry && 'sources' in entry && Array.isArray(entry.sources))) continue
        if ('hadRecentInput' in entry && entry.hadRecentInput) continue
        const moved = entry.sources.map(
          ({ node, previousRect, currentRect }) =>
            `${nameOf(node)} from ${textOf(previousRect)} to ${textOf(currentRect)}`,
        )
        shifts.push({ value: Number(entry.value), what: moved.join('; ') })
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })
  return async () => {
    // Undefined if no script runs, where nothing moves.
    const shifts = recorded.catch([]).parse(await page.evaluate('globalThis.layoutShifts'))
    const sum = shifts.reduce((all, { value }) => all + value, 0)
    return sum < visible ? [] : shifts.map(({ value, what }) => `${value.toFixed(4)}: ${what}`)
  }
}

/** The baseline of the last line of an element's text, in px from the top of the window. */
export function baselineOf(text: Locator): Promise<number> {
  return text.evaluate(element => {
    // An empty inline block sits on the baseline of the text before it.
    const mark = document.createElement('span')
    mark.style.display = 'inline-block'
    element.append(mark)
    const { bottom } = mark.getBoundingClientRect()
    mark.remove()
    return bottom
  })
}

/** A page of Playwright or Puppeteer */
type AnyPage = { evaluate(read: () => string[]): Promise<string[]> }

/** Texts that overlap. Fixed elements, which overlap on purpose, are left out. */
export function overlappingTexts(page: AnyPage): Promise<string[]> {
  return page.evaluate(() => {
    type Box = { node: Node; text: string; left: number; top: number; right: number; bottom: number }

    /** The part that scrolling and clipping ancestors show; null inside a fixed element */
    function visiblePart({ node, text, ...box }: Box, element: Element): Box | null {
      for (let around: Element | null = element; around; around = around.parentElement) {
        const { position, overflowX, overflowY } = getComputedStyle(around)
        if (position === 'fixed') return null
        if (overflowX === 'visible' && overflowY === 'visible') continue
        const edge = around.getBoundingClientRect()
        box.left = Math.max(box.left, edge.left)
        box.top = Math.max(box.top, edge.top)
        box.right = Math.min(box.right, edge.right)
        box.bottom = Math.min(box.bottom, edge.bottom)
      }
      return { node, text, ...box }
    }

    const boxes: Box[] = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const text = node.textContent?.trim() ?? ''
      const element = node.parentElement
      if (!text || !element?.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      for (const { left, top, right, bottom } of range.getClientRects()) {
        const box = visiblePart({ node, text, left, top, right, bottom }, element)
        if (box && box.right - box.left > 3 && box.bottom - box.top > 3) boxes.push(box)
      }
    }

    // Boxes of adjacent text lines overlap slightly.
    return boxes.flatMap((a, place) =>
      boxes
        .slice(place + 1)
        // A clipped text has a box for its visible part and another for all of it.
        .filter(b => a.node !== b.node)
        .filter(b => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2)
        .filter(b => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 6)
        .map(b => `“${a.text}” and “${b.text}” lie over one another`),
    )
  })
}

/** The last thing that mattered, above the picture. */
export const eventLine = (page: Page) => page.getByRole('region', { name: 'Latest event' })
