import type { Page } from '@playwright/test'

/**
 * Fails the page's requests to these addresses until it is told to pass them on. The route stays: taking it away can wait
 * for ever for a worker that the page is just starting.
 */
export async function cutOff(page: Page, addresses: string) {
  let passes = false
  await page.route(addresses, route => (passes ? route.continue() : route.abort()))
  return {
    passOn() {
      passes = true
    },
  }
}
