import { chromium, expect, type Page, test } from '@playwright/test'
import { chromiumLaunch } from '../tools/lib/chromium.ts'

// Many tabs of one browser, where Web Locks are missing: plain HTTP under a name that is not localhost.

test.skip(!process.env.STATES_STACK_FILE, 'needs a board on this machine')
test.use({ trace: 'off' })

const status = (page: Page) => page.getByRole('status')

test('seven visible tabs on plain HTTP: all load, four are live, and a closed one makes room', async ({
  baseURL,
}) => {
  const launch = chromiumLaunch()
  await using browser = await chromium.launch({
    ...launch,
    args: [...(launch.args ?? []), '--host-resolver-rules=MAP board.test 127.0.0.1'],
  })
  const board = new URL(baseURL ?? '')
  board.hostname = 'board.test'
  const context = await browser.newContext()
  const tabs: Page[] = []
  for (let tab = 0; tab < 7; tab++) {
    const page = await context.newPage()
    await page.goto(board.href)
    tabs.push(page)
  }
  expect(await tabs[0]?.evaluate(() => isSecureContext)).toBe(false)
  const live = async () => {
    const texts = await Promise.all(tabs.map(page => status(page).innerText()))
    return texts.filter(text => text.startsWith('Live')).length
  }
  for (const page of tabs) await expect(status(page)).toContainText(/Live|Asking every 2 s/)
  await expect.poll(live).toBe(4)

  await tabs.shift()?.close()
  await tabs.shift()?.close()
  await expect.poll(live, { timeout: 30_000 }).toBe(4)
})
