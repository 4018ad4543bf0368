import { expect, type Page, test } from '@playwright/test'
import { visitMany } from '../tools/lib/load.ts'
import { openBackstage } from './support/backstage.ts'
import { watchConsole } from './support/watch-console.ts'
import { translate } from './translator.ts'

// A reader whose browser translates the page: it replaces every text node, and React must not trip over that.

test.skip(!process.env.STATES_STACK_FILE, 'needs a stack of its own')
// After the tests of states, the first of which needs a board without visits: such files come last.
test.use({ trace: 'off' })
test.describe.configure({ timeout: 120_000 })

const status = (page: Page) => page.getByRole('status')
const figures = (page: Page) => page.getByRole('region', { name: 'Your visit' })

/** Somebody else visits, and the page's counter says so. */
async function visitsComeIn(page: Page, url: string) {
  const answers = await visitMany(`${url}/`, { connections: 1, pageViews: 3 })
  const newest = new Intl.NumberFormat('en-US').format(answers.at(-1)?.hit ?? 0)
  await expect(figures(page)).toContainText(newest)
  await expect(page).toHaveTitle(`${newest} · Balance Board`)
}

test('a translated page stays alive and current while the server, then the database, freezes', async ({
  page,
}) => {
  await using backstage = openBackstage()
  const complaints = watchConsole(page)
  await page.goto(backstage.url)
  await expect(status(page)).toContainText('Live')
  const touched = await translate(page)
  await visitsComeIn(page, backstage.url)

  for (const [part, words] of [
    ['server', 'Not connected'],
    ['database', 'Database away'],
  ] as const) {
    const thaw = backstage.freeze(part)
    await expect(status(page)).toContainText(words, { timeout: 20_000 })
    thaw()
    await expect(status(page)).toContainText('Live', { timeout: 30_000 })
    await visitsComeIn(page, backstage.url)
  }

  await expect(page.getByRole('heading', { name: 'Balance Board' })).toBeVisible()
  expect(await touched()).toEqual([])
  expect(complaints.filter(text => !/Failed to load resource|net::ERR_/.test(text))).toEqual([])
})

test('every control of a translated page works', async ({ page }) => {
  await using backstage = openBackstage()
  await backstage.addVisits([{ server: 'web-1', count: 120, clientIps: ['10.0.0.7'] }])
  const complaints = watchConsole(page)
  await page.goto(backstage.url)
  await expect(status(page)).toContainText('Live')
  const touched = await translate(page)

  for (const range of ['1 h', '24 h', '5 min']) {
    await page.getByRole('button', { name: range, exact: true }).click()
    await expect(page.getByRole('button', { name: range, exact: true, pressed: true })).toBeVisible()
  }
  await page.getByText('As a table').click()
  await page
    .getByRole('button', { name: /why number/ })
    .nth(2)
    .click()
  await page
    .getByRole('button', { name: /why number/ })
    .nth(4)
    .click()
  await page.getByRole('button', { name: 'Back to live' }).click()
  await page.getByRole('button', { name: 'Older' }).click()
  await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  await page.getByRole('button', { name: 'Newer' }).click()
  await page.getByLabel('Address').fill('10.0.0.7')
  await page.getByRole('button', { name: 'Filter' }).click()
  await expect(page.getByText('The newest of those chosen')).toBeVisible()
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.getByLabel('Order').selectOption({ index: 1 })
  await page.getByRole('button', { name: /Exact/ }).click()
  await expect(page.getByText('All are equal')).toBeVisible()
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'As strangers' }).click()
  await expect(page.getByText(/^As strangers: 60 visits counted/)).toBeVisible({ timeout: 30_000 })
  await visitsComeIn(page, backstage.url)

  expect(await touched()).toEqual([])
  expect(complaints).toEqual([])
})
