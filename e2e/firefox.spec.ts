import { expect, test } from '@playwright/test'
import { visitMany } from '../tools/lib/load.ts'
import { launchFirefox } from './firefox.ts'

// What is Firefox's own: with all cookies blocked it throws where a page reaches for storage, channels or locks.

test.skip(!process.env.STACK_FILE, 'needs a board on this machine')
test.describe.configure({ timeout: 120_000 })

/** 2 = none are kept. Source: https://searchfox.org/mozilla-central/source/netwerk/cookie/nsICookieService.idl */
const cookies = { all: 0, none: 2 }

async function openBoard(url: string, cookieBehavior: number) {
  const browser = await launchFirefox({ 'network.cookie.cookieBehavior': cookieBehavior })
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', error => errors.push(String(error)))
  await page.goto(url)
  const text = (selector: string) => page.$eval(selector, element => element.textContent ?? '')
  const status = () => text('[role=status]')
  const visit = () => text('section[aria-label="Your visit"]')
  return { page, errors, status, visit, [Symbol.asyncDispose]: () => browser.close() }
}

test('with all cookies blocked the page works, and claims no cookie and no earlier visit', async ({
  baseURL,
}) => {
  await using board = await openBoard(baseURL ?? '', cookies.none)
  await expect.poll(board.status, { timeout: 30_000 }).toContain('Asking every 2 s')
  for (let visits = 0; visits < 2; visits++) {
    const told = await board.visit()
    expect(told).toContain('not kept: your browser blocks cookies')
    expect(told).not.toMatch(/sticky for|in this tab|of this tab/)
    await board.page.reload()
    await expect.poll(board.status, { timeout: 30_000 }).toContain('Asking every 2 s')
  }
  const answers = await visitMany(`${baseURL}/`, { connections: 1, pageViews: 3 })
  const newest = new Intl.NumberFormat('en-US').format(answers.at(-1)?.hit ?? 0)
  await expect.poll(board.visit, { timeout: 15_000 }).toContain(newest)
  await board.page.select('select', 'dark')
  expect(await board.page.$eval('html', html => html.dataset.theme)).toBe('dark')
  expect(board.errors).toEqual([])
})

test('with cookies the page is live and counts its cookie down', async ({ baseURL }) => {
  await using board = await openBoard(baseURL ?? '', cookies.all)
  await expect.poll(board.status, { timeout: 30_000 }).toContain('Live')
  expect(await board.visit()).toMatch(/sticky for \d:\d\d/)
  expect(board.errors).toEqual([])
})
