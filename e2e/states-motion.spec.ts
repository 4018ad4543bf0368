import { type APIRequestContext, type Browser, expect, type Page, test } from '@playwright/test'
import { z } from 'zod'

// Motion, and its absence. (That dots travel, and do not for who asks for less motion: board.spec.ts.)

/** Has the page note every animation and transition that begins, from its start. */
async function noteMotion(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const seen: string[] = []
    Object.assign(globalThis, { motion: seen })
    for (const event of ['animationstart', 'transitionrun']) {
      addEventListener(event, ({ target, type }) => {
        seen.push(`${type} ${target instanceof Element ? target.getAttribute('class') : ''}`)
      })
    }
    const animate = Element.prototype.animate
    Element.prototype.animate = function (...how) {
      seen.push(`animate ${this.getAttribute('class')}`)
      return animate.apply(this, how)
    }
  })
  return async () => z.array(z.string()).parse(await page.evaluate('globalThis.motion'))
}

/** What moved on a board that saw a visit come in, a theme change, and the pointer on its controls. */
async function motionOf(
  browser: Browser,
  request: APIRequestContext,
  reducedMotion: 'reduce' | 'no-preference',
) {
  const context = await browser.newContext({ reducedMotion })
  const page = await context.newPage()
  const motion = await noteMotion(page)
  await page.goto('/')
  await expect(page.getByRole('status')).toContainText('Live')
  const newest = page.getByRole('table', { name: 'Latest visits' }).getByRole('rowheader').first()
  const before = await newest.innerText()
  await request.get('/', { headers: { accept: 'application/json' } })
  await expect(newest).not.toHaveText(before)
  await page.getByLabel('Theme').selectOption('dark')
  for (const name of ['As myself', 'Forget my server', 'Exact'])
    await page.getByRole('button', { name }).hover()
  const seen = await motion()
  await context.close()
  return seen
}

test('who asks for less motion sees nothing move, where others do', async ({ browser, request }) => {
  expect(await motionOf(browser, request, 'no-preference')).not.toEqual([])
  expect(await motionOf(browser, request, 'reduce')).toEqual([])
})
