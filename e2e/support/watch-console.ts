import type { Page } from '@playwright/test'

/** What the console complains about, as it comes: in order, it stays empty. */
export function watchConsole(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('requestfailed', request => {
    // A stream ends with its page.
    if (!request.url().endsWith('/api/live'))
      complaints.push(`${request.url()} ${request.failure()?.errorText}`)
  })
  return complaints
}
