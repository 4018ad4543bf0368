import { readFileSync } from 'node:fs'
import { expect, type Page, test } from '@playwright/test'
import { z } from 'zod'
import { openWitness } from '../prisma/testing/prisma-client.ts'

// What the page says of this one visit: where its cookie led, and what it came with.

const gone = 'e'.repeat(32)
const nobody = 'f'.repeat(32)

async function serverOf(page: Page): Promise<string> {
  return (await page.locator('dt:text-is("Served by") + dd').innerText()).trim()
}

const cookieOf = (page: Page) => page.locator('dt:text-is("Cookie you came with") + dd')

/** A life of a server that gave its last sign a while ago, for as long as the test runs. */
async function withLostServer(silentMs: number, work: () => Promise<void>): Promise<void> {
  const stack = z
    .object({ databaseUrl: z.string() })
    .parse(JSON.parse(readFileSync(process.env.STACK_FILE ?? '', 'utf8')))
  const witness = openWitness(stack.databaseUrl)
  const lastSeenAt = new Date(Date.now() - silentMs)
  const row = { srvId: gone, name: 'web-gone', address: '192.0.2.1:3000', readyAt: lastSeenAt, lastSeenAt }
  const { id } = await witness.server.create({ data: { ...row, startedAt: new Date(Date.now() - 60_000) } })
  try {
    await work()
  } finally {
    await witness.server.delete({ where: { id } })
    await witness.$disconnect()
  }
}

test('a visitor whose server is lost is told from where, to where and why, and the log says the same', async ({
  page,
  context,
  baseURL,
}) => {
  test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')
  await withLostServer(10_000, async () => {
    // The board may be half a second old, and not know the server yet.
    await expect(async () => {
      await context.addCookies([{ name: 'srv_id', value: gone, url: baseURL ?? '' }])
      await page.goto('/')
      await expect(page.getByText(/^Moved from web-gone/)).toBeVisible({ timeout: 100 })
    }).toPass()
    const server = await serverOf(page)
    const why = /web-gone was lost: no sign of it for \d+ s\./
    const notice = page.getByText(`Moved from web-gone to ${server}.`)
    await expect(notice).toContainText(why)
    await expect(notice).toContainText('Nothing was lost.')
    await expect(page.getByRole('status')).toHaveText('Live')
    await page
      .getByRole('row', { name: /this visit/ })
      .getByRole('button')
      .click()
    await expect(page.getByText(/^The cookie named web-gone\./)).toContainText(why)
  })
})

test('a visitor whose server was silent for a moment only is told that it is lost, once that is known', async ({
  page,
  context,
  baseURL,
}) => {
  test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')
  await withLostServer(500, async () => {
    const unknown = page.getByText('Why it was not reached is not recorded.')
    await expect(async () => {
      await context.addCookies([{ name: 'srv_id', value: gone, url: baseURL ?? '' }])
      await page.goto('/')
      await expect(unknown).toBeVisible({ timeout: 100 })
    }).toPass()
    const server = await serverOf(page)
    const heightBefore = (await page.locator('[data-arrival=moved]').first().boundingBox())?.height
    const later = page.getByText(
      new RegExp(
        `^Moved from web-gone to ${server}\\. web-gone is lost: its last sign came \\d s before the visit\\.`,
      ),
    )
    await expect(later).toBeVisible()
    await expect(unknown).toBeHidden()
    expect((await page.locator('[data-arrival=moved]').first().boundingBox())?.height).toBe(heightBefore)
  })
})

test('a cookie that names nobody is no loss', async ({ page, context, baseURL }) => {
  await context.addCookies([{ name: 'srv_id', value: nobody, url: baseURL ?? '' }])
  await page.goto('/')
  await expect(page.getByText('Your cookie named a server that is not known here.')).toBeVisible()
  await expect(page.getByText('Nothing was lost.')).toHaveCount(0)
  await expect(cookieOf(page)).toHaveText(nobody, { useInnerText: true })
})

test('who was not moved is told nothing of a move', async ({ page }) => {
  await page.goto('/')
  await page.reload()
  await expect(page.getByText(/Moved from|not known here/)).toHaveCount(0)
  expect(await cookieOf(page).innerText()).toBe(await page.locator('dt:text("md5 of") + dd').innerText())
})

test('an older page of the log, with its filter and range, can be shared, and outlives the next visit', async ({
  page,
  context,
  request,
}) => {
  for (let visit = 0; visit < 60; visit++) await request.get('/', { headers: { accept: 'application/json' } })
  await page.goto('/?range=1h')
  await expect(page.getByRole('status')).toHaveText('Live')
  await page.getByRole('button', { name: 'Older' }).click()
  await expect(page).toHaveURL(/\?range=1h&before=\d+$/)
  const numbers = (of: Page) =>
    of.getByRole('table', { name: 'Latest visits' }).getByRole('rowheader').allInnerTexts()
  await expect(page.getByText(/^Numbers [\d,]+ to [\d,]+$/)).toBeVisible()
  const shown = await numbers(page)
  const other = await context.newPage()
  await other.goto(page.url())
  await expect.poll(() => numbers(other)).toEqual(shown)
  await other.getByRole('link', { name: 'Visit again' }).click()
  await expect.poll(() => numbers(other)).toEqual(shown)
  await expect(other).toHaveURL(page.url())
  await other.getByRole('button', { name: 'Newer' }).click()
  await expect(other).toHaveURL(/\?range=1h$/)
})

test('on paper stand the figures, the chart and whole tables, and nothing that wants a hand', async ({
  page,
}) => {
  await page.goto('/')
  await expect(page.getByRole('status')).toHaveText('Live')
  await expect(page.getByRole('img', { name: /last 5 min/ })).toBeVisible()
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  for (const name of ['Visit again', 'Forget my server', 'Pause', 'Older', 'CSV', '24 h', 'Cancel']) {
    await expect(page.getByText(name, { exact: true })).toBeHidden()
  }
  await expect(page.getByRole('combobox')).toHaveCount(0)
  await expect(page.getByRole('status')).toBeHidden()
  await expect(page.getByText(/^As of \d{4}-\d\d-\d\d \d\d:\d\d UTC$/)).toBeVisible()
  await expect(page.getByRole('table', { name: 'Hits per server' })).toBeVisible()
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'light')
  // A table that scrolls in itself would be cut on paper.
  const log = page.getByRole('table', { name: 'Latest visits' })
  const cut = await log.evaluate(table => {
    const box = table.parentElement
    return box ? box.scrollHeight - box.clientHeight : -1
  })
  expect(cut).toBe(0)
})
