import { expect, type Locator, type Page, test } from '@playwright/test'
import { findProcess } from '../tools/lib/processes.ts'
import { visitMany } from '../tools/lib/visitors.ts'
import { readFaultsStack } from './support/board-control.ts'
import { baselineOf, openAxe, visitLive } from './support/page-checks.ts'

// What the picture says and shows, with and without scripts, at several widths, and while a server or the database is away.

const figure = (page: Page) => page.getByRole('figure', { name: 'How visits flow' })
const database = (page: Page) => figure(page).getByRole('group', { name: 'Database' })
const card = (page: Page, name: string) => figure(page).getByRole('listitem').filter({ hasText: name })

/** Sends more visits than the log of a page has rows: three of four come from a visitor who returns. */
async function visitAsBoth(url: string | undefined): Promise<void> {
  for (let visitor = 0; visitor < 15; visitor++) {
    await visitMany(`${url}/`, { connections: 1, pageViews: 4, keepCookies: true })
  }
}

/** The percentages of NGINX's two rules. */
async function percentages(page: Page): Promise<number[]> {
  const texts = await figure(page)
    .getByText(/^\d+%$/)
    .allInnerTexts()
  return texts.map(text => Number.parseInt(text, 10))
}

test('without JavaScript the picture says rates, rules in percent, hits, commits and the last twelve visits', async ({
  browser,
  baseURL,
}) => {
  await visitAsBoth(baseURL)
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  // The HTML is rendered up to a second before a visit, or longer on a busy machine, and does not change by itself.
  await expect(async () => {
    await page.goto(`${baseURL}/`)
    await expect(figure(page)).toContainText('last 50 visits', { timeout: 1000 })
  }).toPass()
  await expect(figure(page)).toContainText(/Returning[\d.]+\/scookieNew[\d.]+\/sno cookie/)
  const [cookie = 0, none = 0] = await percentages(page)
  expect(cookie).toBeGreaterThan(none)
  expect(cookie + none).toBe(100)
  await expect(figure(page)).toContainText(/\d+ moved, last 60 s/)
  for (const name of ['web-1', 'web-2', 'web-3']) {
    await expect(card(page, name)).toContainText(/[\d.]+\/s[\s\S]*\d+ hits?/)
  }
  await expect(database(page)).toContainText(/\d+ hits1 commit = \d/)
  await expect(figure(page).getByText('Marks: the last 12 visits')).toBeVisible()
  await expect(figure(page).locator('[data-arrival]')).toHaveCount(12)
  await expect(figure(page).locator('[data-arrival]').first()).toBeVisible()
  await context.close()
})

test('with reduced motion and in forced colours the same marks stand, and the servers stay distinguishable', async ({
  browser,
  baseURL,
}) => {
  await visitAsBoth(baseURL)
  const context = await browser.newContext({ reducedMotion: 'reduce', forcedColors: 'active' })
  const page = await context.newPage()
  await visitLive(page, `${baseURL}/`)
  await expect(figure(page).locator('[data-arrival]')).toHaveCount(12)
  await expect(figure(page).locator('[data-arrival]').first()).toBeVisible()
  const colours = await figure(page)
    .locator('[data-part="ring"]')
    .evaluateAll(rings => rings.map(ring => getComputedStyle(ring).stroke))
  expect(new Set(colours).size).toBe(3)
  expect((await openAxe(page).include('figure').analyze()).violations).toEqual([])
  await context.close()
})

for (const width of [390, 768, 1120, 1280, 1440, 2560]) {
  test(`the picture is as wide as the header, and no name is cut: ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 })
    await visitLive(page)
    const edges = (selector: string) =>
      page.locator(selector).evaluateAll(elements => {
        const boxes = elements.map(element => element.getBoundingClientRect())
        return [Math.min(...boxes.map(({ left }) => left)), Math.max(...boxes.map(({ right }) => right))]
      })
    expect(await edges('figure [data-part]')).toEqual(await edges('header'))
    const cut = await figure(page)
      .getByRole('listitem')
      .evaluateAll(cards =>
        cards
          .flatMap(element => [...element.querySelectorAll('p')])
          .filter(text => text.scrollWidth > text.clientWidth)
          .map(text => text.textContent),
      )
    expect(cut).toEqual([])
    for (const card of await figure(page).getByRole('listitem').all()) {
      const [name, word] = [card.locator('p[title]'), card.locator('p svg + span')]
      expect(Math.abs((await baselineOf(word)) - (await baselineOf(name)))).toBeLessThan(1)
      expect(Math.abs((await middleOf(card.locator('p svg'))) - (await middleOf(word)))).toBeLessThan(1)
    }
  })
}

/** px from the top of the window */
async function middleOf(element: Locator): Promise<number> {
  const { y, height } = (await element.boundingBox()) ?? { y: 0, height: 0 }
  return y + height / 2
}

test.describe('on a board whose processes are frozen', () => {
  test.skip(!process.env.FAULTS_STACK_FILE, 'needs a stack of plain processes')

  test('a server that freezes is silent, then lost; its visits move, and the picture counts them', async ({
    page,
    request,
  }) => {
    const stack = readFaultsStack()
    const [frozen] = stack.replicas
    const name = frozen?.name ?? ''
    const other = stack.replicas[1]?.srv_id ?? ''
    await page.context().addCookies([{ name: 'srv_id', value: other, url: stack.url }])
    await visitLive(page, `${stack.url}/`)
    process.kill(frozen?.pid ?? 0, 'SIGSTOP')
    try {
      await expect(card(page, name)).toContainText(/silent for \d s–/)
      await expect(card(page, name)).toContainText(/lost · silent for \d+ s–/)
      await request.get(`${stack.url}/`, { headers: { Cookie: `srv_id=${frozen?.srv_id}` } })
      await expect(figure(page)).toContainText(/[1-9]\d* moved, last 60 s/)
    } finally {
      // The launcher kills a server that hangs for 25 s.
      if (findProcess(frozen?.pid ?? 0)) process.kill(frozen?.pid ?? 0, 'SIGCONT')
    }
    await expect(card(page, name)).toContainText(/up[\d.\u2007]+\/s/)
  })

  test('while the database is frozen no rate is claimed, and its box has the cross', async ({ page }) => {
    const stack = readFaultsStack()
    await visitLive(page, `${stack.url}/`)
    const hits = await database(page)
      .getByText(/^[\d,]+ hits?$/)
      .innerText()
    process.kill(stack.database.pid, 'SIGSTOP')
    try {
      await expect(database(page)).toContainText('not answering')
      await expect(figure(page)).not.toContainText(/\d\/s/)
      expect(await percentages(page)).toEqual([])
      await expect(database(page)).toContainText(hits)
    } finally {
      process.kill(stack.database.pid, 'SIGCONT')
    }
    await expect(database(page)).toContainText(/1 commit = \d/)
    await expect(figure(page)).toContainText(/\d\/s/)
  })
})
