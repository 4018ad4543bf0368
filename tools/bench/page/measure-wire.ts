import { setTimeout as pause } from 'node:timers/promises'
import { chromium, type Request } from '@playwright/test'
import { chromiumLaunch } from '../../lib/chromium.ts'

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
