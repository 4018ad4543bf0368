import { expect, type Page, test } from '@playwright/test'
import { openBackstage } from './support/backstage.ts'

// In which order the servers stand, on the board that the tests of states have, and after them: its first test wants no visits.

test.skip(!process.env.STATES_STACK_FILE, 'needs a stack of its own')
// As theirs: files whose settings differ are not run in order.
test.use({ trace: 'off' })

const rows = (page: Page) => page.getByRole('table', { name: 'Hits per server' }).getByRole('row')
/** The board's own server has the hits of the tests before: where it stands is theirs to say. */
const added = async (page: Page) =>
  (await rows(page).getByRole('rowheader').allInnerTexts()).join().match(/web-[2-9]/g)

test('servers stand in the chosen order, which the address keeps and no figure upsets', async ({ page }) => {
  await using backstage = openBackstage()
  const clientIps = ['10.0.0.7']
  await backstage.addServers([
    { name: 'web-2', address: '10.0.0.2:3000', state: 'joining' },
    { name: 'web-3', address: '10.0.0.3:3000' },
    { name: 'web-4', address: '10.0.0.4:3000', state: 'draining' },
  ])
  const visits = [
    { server: 'web-2', count: 10, clientIps },
    { server: 'web-3', count: 30, clientIps },
    { server: 'web-4', count: 20, clientIps },
  ]
  await backstage.addVisits(visits)
  await page.goto(backstage.url)
  await expect(page.getByRole('status')).toHaveText('Live')
  await expect.poll(() => added(page)).toEqual(['web-2', 'web-3', 'web-4'])

  const order = page.getByRole('combobox', { name: 'Order' })
  await order.focus()
  await page.keyboard.press('ArrowDown')
  await expect(page).toHaveURL(/\?order=hits$/)
  await expect.poll(() => added(page)).toEqual(['web-3', 'web-4', 'web-2'])

  await backstage.addVisits([{ server: 'web-2', count: 50, clientIps }])
  await expect(rows(page).filter({ hasText: 'web-2' })).toContainText('60')
  expect(await added(page)).toEqual(['web-3', 'web-4', 'web-2'])
  await page.reload()
  await expect(order).toHaveValue('hits')
  await expect.poll(() => added(page)).toEqual(['web-2', 'web-3', 'web-4'])

  await order.selectOption('by state')
  await expect.poll(() => added(page)).toEqual(['web-4', 'web-2', 'web-3'])
  await order.selectOption('by name')
  await expect(page).not.toHaveURL(/order/)
})
