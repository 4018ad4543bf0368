import { setTimeout as pause } from 'node:timers/promises'
import type { BarePage } from '../../lib/bare-chromium.ts'

/** Opens another tab before the page's own. */
export async function hideTab(page: BarePage, signal: AbortSignal): Promise<void> {
  await page.browser.send('Target.createTarget', { url: 'about:blank' })
  while ((await page.evaluate('document.visibilityState')) !== 'hidden')
    await pause(50, undefined, { signal })
}
