import { setTimeout as pause } from 'node:timers/promises'
import { type BarePage, openBarePage } from '../../lib/bare-chromium.ts'

export type Window = { width: number; height: number }

export const usualWindow: Window = { width: 1280, height: 1024 }

/** The board in a browser of its own, in a window of that size from its first byte on, once it is live. */
export async function openBoard(url: string, window: Window, signal: AbortSignal): Promise<BarePage> {
  const page = await openBarePage(`${url}/healthz`)
  try {
    await page.send('Emulation.setDeviceMetricsOverride', { ...window, deviceScaleFactor: 1, mobile: false })
    await page.send('Page.navigate', { url: `${url}/` })
    const status = `document.querySelector('[role=status]')?.textContent`
    while ((await page.evaluate(status)) !== 'Live') await pause(50, undefined, { signal })
    return page
  } catch (error) {
    await page[Symbol.asyncDispose]()
    throw error
  }
}
