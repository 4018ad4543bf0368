import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'
import { cutOff } from './support/cut-off.ts'

// What a visitor can do with the board's bands: look back, choose, ask why, try it, audit it.

const log = (page: Page) => page.getByRole('table', { name: 'Latest visits' })

async function visitLive(page: Page, path = '/') {
  await page.goto(path)
  await expect(page.getByRole('status')).toHaveText('Live')
}

test('the range of the history stands in the address, and comes back with it', async ({ page }) => {
  await visitLive(page)
  await expect(page.getByRole('button', { name: '5 min' })).toHaveAttribute('aria-pressed', 'true')
  await page.getByRole('button', { name: '24 h' }).click()
  await expect(page).toHaveURL(/\?range=24h$/)
  await expect(page.getByRole('img', { name: /last 24 h/ })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('button', { name: '24 h' })).toHaveAttribute('aria-pressed', 'true')
  await page.getByText('As a table').click()
  const table = page.getByRole('region', { name: /as a table/ })
  // The names, the most of each, and 145 times.
  await expect(table.getByRole('row')).toHaveCount(147)
  await expect(table.getByRole('row', { name: /^Most in 10 minutes( [\d,]+)+$/ })).toBeVisible()
})

test('a history that cannot be read says so, and comes by itself when it can', async ({ page }) => {
  const requests = await cutOff(page, '**/api/history*')
  await page.goto('/')
  await expect(page.getByText('The history could not be read')).toBeVisible()
  requests.passOn()
  await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible({ timeout: 30_000 })
})

test('the log is filtered by server and by address, in the address bar too', async ({ page }) => {
  await visitLive(page)
  const own = page.getByRole('row', { name: /this visit/ })
  const server = (await own.getByRole('cell').first().innerText()).trim()
  await page.getByRole('combobox', { name: 'Server' }).selectOption(server)
  await expect(page).toHaveURL(/\?srv_id=[0-9a-f]{32}$/)
  await expect.poll(() => serversShown(page)).toEqual([server])
  await expect(page.getByRole('link', { name: 'CSV' })).toHaveAttribute('href', /log\.csv\?srv_id=/)
  await page.reload()
  await expect.poll(() => serversShown(page)).toEqual([server])
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.getByLabel('Address').fill('192.0.2.7')
  await page.getByLabel('Address').press('Enter')
  await expect(page.getByText(/ask for 192\.0\.2\.x$/)).toBeVisible()
  await page.getByLabel('Address').fill('10.99.99.99')
  await page.getByLabel('Address').press('Enter')
  await expect(page).toHaveURL(/\?client_ip=10\.99\.99\.99$/)
  await expect(page.getByText('There are none.')).toBeVisible()
})

/** The numbers in the log, as they stand. */
async function numbersShown(page: Page): Promise<number[]> {
  const texts = await log(page).getByRole('rowheader').allInnerTexts()
  return texts.map(text => Number(text.replaceAll(/\D/g, '')))
}

/** The names of the servers in the log, each once. */
async function serversShown(page: Page): Promise<string[]> {
  const names = await log(page).getByRole('row').locator('td:first-of-type > span').allInnerTexts()
  return [...new Set(names.map(name => name.trim()))]
}

test('a paused log stands still, and goes on when told to', async ({ page, request }) => {
  await visitLive(page)
  await page.getByRole('button', { name: 'Pause' }).click()
  const first = log(page).getByRole('row').nth(1)
  const before = await first.innerText()
  const hit = Number((await request.get('/')).headers()['x-hit'])
  await expect(page.getByText(/Paused at number/)).toContainText(new Intl.NumberFormat('en-US').format(hit))
  expect(await first.innerText()).toBe(before)
  await page.getByRole('button', { name: 'Back to live' }).click()
  await expect(first).toContainText(new Intl.NumberFormat('en-US').format(hit))
})

test('older rows join the newest without gap, and there is a way back', async ({ page, request }) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page)
  await page.getByRole('button', { name: 'Pause' }).click()
  const newest = await numbersShown(page)
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(async () => (await numbersShown(page))[0]).toBe((newest.at(-1) ?? 0) - 1)
  await page.getByRole('button', { name: 'Newer' }).click()
  await expect.poll(() => numbersShown(page)).toEqual(newest)
})

test('a row opens to say why that server', async ({ page }) => {
  await visitLive(page)
  await page.reload()
  const opener = page
    .getByRole('row', { name: /this visit/ })
    .getByRole('button', { name: /^came back: why/ })
  await opener.focus()
  await page.keyboard.press('Enter')
  await expect(opener).toHaveAttribute('aria-expanded', 'true')
  await expect(page.getByText(/^The cookie named (\S+), and \1 could answer\.$/)).toBeVisible()
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
})

test('a pause that comes before the board tells of the visit lacks nothing', async ({ page, request }) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await visitLive(page)
  // Its figures stay as old as they were rendered: the board never tells of the second visit, and maybe not of those just
  // before it.
  await cutOff(page, '**/api/{live,snapshot}')
  for (let visit = 0; visit < 5; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await page.reload()
  await page
    .getByRole('row', { name: /this visit/ })
    .getByRole('button', { name: /^came back: why/ })
    .click()
  await expect(page.getByText(/^The cookie named (\S+), and \1 could answer\.$/)).toBeVisible()
  const newest = await numbersShown(page)
  const own = newest[0] ?? 0
  expect(newest).toEqual(Array.from({ length: 50 }, (_, at) => own - at))
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(async () => (await numbersShown(page))[0]).toBe(own - 50)
})

test('sixty visits as oneself reach one server, as strangers every one', async ({ page }) => {
  await visitLive(page)
  await page.getByRole('button', { name: 'As myself' }).click()
  await expect(page.getByText('As myself: 60 visits counted by 1 server.')).toBeVisible({ timeout: 30_000 })
  await page.getByRole('button', { name: 'As strangers' }).click()
  await expect(page.getByText(/As strangers: 60 visits counted by [2-9]\d* servers\./)).toBeVisible({
    timeout: 30_000,
  })
})

test('a run of visits can be cancelled, and says what was not sent', async ({ page }) => {
  await visitLive(page)
  await page.route(
    url => url.pathname === '/',
    async route => {
      await new Promise(resolve => setTimeout(resolve, 200))
      await route.continue()
    },
  )
  await page.getByRole('button', { name: 'As strangers' }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByText(/As strangers: .* not sent\./)).toBeVisible()
})

test('the audit opens as an equation, by keyboard, and gives the focus back', async ({ page }) => {
  await visitLive(page)
  const badge = page.getByRole('button', { name: 'Exact' })
  await badge.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Is it exact?' })
  await expect(dialog.getByText('All are equal')).toBeVisible()
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(badge).toBeFocused()
})

test('figures that do not agree are said in words', async ({ page }) => {
  const wrong = { counter: 9, max_id: 9, rows: 9, purged: 0, sum_hits: 8, consistent: false }
  await page.route('**/api/audit', route => route.fulfill({ json: wrong }))
  await visitLive(page)
  await page.getByRole('button', { name: 'Exact' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('They are not equal')).toBeVisible()
  await expect(dialog.getByRole('listitem').last()).toContainText('≠')
})

test('without JavaScript nothing is shown that does nothing', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/')
  // Found by place: searches by text pass over noscript.
  await expect(page.locator('section noscript p').first()).toContainText('The chart needs JavaScript.')
  for (const name of ['Pause', 'Older', 'As myself', 'Filter', '24 h']) {
    await expect(page.getByRole('button', { name })).toHaveCount(0)
  }
  await expect(page.getByRole('link', { name: 'CSV' })).toBeVisible()
  await expect(page.getByRole('link', { name: /Exact/ })).toHaveAttribute('href', '/api/audit')
  await context.close()
})
