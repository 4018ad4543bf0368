import { setTimeout as pause } from 'node:timers/promises'
import { chromium, type Request } from '@playwright/test'
import { z } from 'zod'
import { type BarePage, chromiumLaunch } from '../../lib/chromium.ts'
import { openBoard } from './board.ts'

const times = 20
const everyMs = 200

const heard = z.array(z.number())
const place = z.object({ x: z.number(), y: z.number() })

export type InputFigures = {
  sent: number
  /** those that reached the page */
  heard: number
  /** ms from a key or click to its handler, by the clock */
  middleDelay: number
  longestDelay: number
}

/** Presses Tab and clicks on the log's Pause in turns, as a person's keyboard and mouse would. */
export async function measureInput(page: BarePage, signal: AbortSignal): Promise<InputFigures> {
  await page.evaluate(`
    window.heard = []
    for (const type of ['keydown', 'click'])
      addEventListener(type, event => window.heard.push(performance.now() - event.timeStamp), true)`)
  const at = place.parse(
    await page.evaluate(`(() => {
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Pause')
      button.scrollIntoView({ block: 'center' })
      const { x, y, width, height } = button.getBoundingClientRect()
      return { x: x + width / 2, y: y + height / 2 }
    })()`),
  )
  for (let time = 0; time < times; time++) {
    await (time % 2 === 0 ? pressTab(page) : click(page, at))
    await pause(everyMs, undefined, { signal })
  }
  const delays = heard.parse(await page.evaluate('window.heard')).sort((a, b) => a - b)
  return {
    sent: times,
    heard: delays.length,
    middleDelay: delays[Math.floor(delays.length / 2)] ?? Number.NaN,
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

/** So high that all bands stand in it: what moves out of sight does not count as a shift. */
const height = 6000
const watchedMs = 8000

const shifts = z.array(z.object({ value: z.number(), of: z.array(z.string()) }))

export type ShiftFigures = {
  width: number
  /** the layout shift score, from the first byte on; 0 = nothing moved by itself */
  score: number
  /** what moved, as elements with their classes */
  of: string[]
}

/** How much of the page moves by itself while it comes alive and visits come in, in a window that wide. */
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

/** Bytes as they come over the wire, compressed, of a first visit. */
export type WireFigures = { html: number; javascript: number; css: number; rest: number }

const afterMs = 3000

/** What a browser that has nothing yet is sent until the page is alive, the drawing thread's scripts among it. */
export async function measureWire(url: string, signal: AbortSignal): Promise<WireFigures> {
  await using browser = await chromium.launch(chromiumLaunch())
  const page = await browser.newPage()
  const finished: Request[] = []
  page.on('requestfinished', request => finished.push(request))
  await page.goto(`${url}/`)
  await pause(afterMs, undefined, { signal })
  const wire: WireFigures = { html: 0, javascript: 0, css: 0, rest: 0 }
  for (const request of finished) {
    // Below 0 for what the browser had already.
    wire[kindOf(request)] += Math.max(0, (await request.sizes()).responseBodySize)
  }
  return wire
}

function kindOf(request: Request): keyof WireFigures {
  const { pathname } = new URL(request.url())
  if (pathname === '/') return 'html'
  if (pathname.endsWith('.js')) return 'javascript'
  return pathname.endsWith('.css') ? 'css' : 'rest'
}
