import { setTimeout as pause } from 'node:timers/promises'
import { chromium, type Request } from '@playwright/test'
import { z } from 'zod'
import { type BarePage, chromiumLaunch } from '../../lib/chromium.ts'
import { openBoard } from './board.ts'

const inputs = 20
const intervalMs = 200

const delaysSchema = z.array(z.number())
const point = z.object({ x: z.number(), y: z.number() })

export type InputFigures = {
  sent: number
  /** inputs that reached the page */
  received: number
  /** clock ms from a key or click to its handler */
  medianDelay: number
  longestDelay: number
}

/** Presses Tab and clicks the log's Pause button in turns, through the browser's input. */
export async function measureInput(page: BarePage, signal: AbortSignal): Promise<InputFigures> {
  await page.evaluate(`
    window.delays = []
    for (const type of ['keydown', 'click'])
      addEventListener(type, event => window.delays.push(performance.now() - event.timeStamp), true)`)
  const at = point.parse(
    await page.evaluate(`(() => {
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Pause')
      button.scrollIntoView({ block: 'center' })
      const { x, y, width, height } = button.getBoundingClientRect()
      return { x: x + width / 2, y: y + height / 2 }
    })()`),
  )
  for (let n = 0; n < inputs; n++) {
    await (n % 2 === 0 ? pressTab(page) : click(page, at))
    await pause(intervalMs, undefined, { signal })
  }
  const delays = delaysSchema.parse(await page.evaluate('window.delays')).sort((a, b) => a - b)
  return {
    sent: inputs,
    received: delays.length,
    medianDelay: delays[Math.floor(delays.length / 2)] ?? Number.NaN,
    longestDelay: delays.at(-1) ?? Number.NaN,
  }
}

async function pressTab(page: BarePage): Promise<void> {
  const key = { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 }
  for (const type of ['keyDown', 'keyUp']) await page.send('Input.dispatchKeyEvent', { type, ...key })
}

async function click(page: BarePage, at: { x: number; y: number }): Promise<void> {
  const button = { button: 'left', clickCount: 1 }
  for (const type of ['mousePressed', 'mouseReleased'])
    await page.send('Input.dispatchMouseEvent', { type, ...at, ...button })
}

/** px; high enough for the whole page, because shifts outside the window do not count */
const height = 6000
const watchedMs = 8000

const shifts = z.array(z.object({ value: z.number(), of: z.array(z.string()) }))

export type ShiftFigures = {
  width: number
  /** layout shift score from the first byte on; 0 if nothing moved by itself */
  score: number
  /** the elements that moved, with their classes */
  of: string[]
}

/** Measures how much of the page moves by itself while it loads and visits arrive, in a window of that width in px. */
export async function measureShift(url: string, width: number, signal: AbortSignal): Promise<ShiftFigures> {
  await using page = await openBoard(url, { width, height }, signal)
  await page.evaluate(`
    window.shifts = []
    new PerformanceObserver(list => {
      for (const { value, hadRecentInput, sources } of list.getEntries()) {
        const of = sources.map(({ node }) => node ? node.nodeName + ' ' + (node.className ?? '') : 'gone')
        if (!hadRecentInput) window.shifts.push({ value, of })
      }
    }).observe({ type: 'layout-shift', buffered: true })`)
  await pause(watchedMs, undefined, { signal })
  const seen = shifts.parse(await page.evaluate('window.shifts'))
  return {
    width,
    score: seen.reduce((sum, { value }) => sum + value, 0),
    of: [...new Set(seen.flatMap(({ of }) => of))],
  }
}

/** Most compressed bytes of a first visit. A browser test holds the JavaScript to it. */
export const wireBudget = { html: 10_000, javascript: 185_000, all: 200_000 }

/**
 * Most bytes of the HTML with fifty rows of the log, not compressed. `event`: while it tells a recent event, once for the board and once
 * for the server. A browser test holds the page to it.
 */
export const htmlBudget = { fixed: 34_000, perServer: 2_000, event: 500 }

/** compressed bytes of a first visit */
export type WireFigures = { html: number; javascript: number; css: number; other: number }

const afterMs = 3000

/** Measures what a browser with an empty cache loads until the page is live, with the drawing thread's scripts. */
export async function measureWire(url: string, signal: AbortSignal): Promise<WireFigures> {
  await using browser = await chromium.launch(chromiumLaunch())
  const page = await browser.newPage()
  const finished: Request[] = []
  page.on('requestfinished', request => finished.push(request))
  await page.goto(`${url}/`)
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  await pause(afterMs, undefined, { signal })
  const wire: WireFigures = { html: 0, javascript: 0, css: 0, other: 0 }
  for (const request of finished) {
    // Below 0 for cached responses.
    wire[kindOf(request)] += Math.max(0, (await request.sizes()).responseBodySize)
  }
  return wire
}

function kindOf(request: Request): keyof WireFigures {
  const { pathname } = new URL(request.url())
  if (pathname === '/') return 'html'
  if (pathname.endsWith('.js')) return 'javascript'
  return pathname.endsWith('.css') ? 'css' : 'other'
}
