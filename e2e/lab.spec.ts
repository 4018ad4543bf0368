import { expect, type Page, test } from '@playwright/test'
import { z } from 'zod'
import {
  choosePolicies,
  expectHydrated,
  lab,
  openAxe,
  openLab,
  overlappingTexts,
  visitLive,
  watchShifts,
} from './support/page-checks.ts'

// The lab: its experiments, what ends a run, its address, and its looks. panels.spec.ts sends the board's own visits.

const rowOf = (page: Page, policy: string) => lab(page).getByRole('row').filter({ hasText: policy })

/** A row's visits at each server, by the servers' names. */
async function visitsOf(page: Page, policy: string): Promise<Record<string, number>> {
  const bars = rowOf(page, policy).getByRole('cell').first().locator('> span > span')
  const texts = await bars.allInnerTexts()
  return Object.fromEntries(
    texts.map(text => {
      const [name = '', visits] = text.split(/\s+/)
      return [name, Number(visits)]
    }),
  )
}

/** Opens an experiment by its address. */
async function openExperiment(page: Page, query: string): Promise<void> {
  await visitLive(page, `/?lab=${query}`)
  await openLab(page)
}

/** Runs what is chosen, to its end. */
async function run(page: Page, button: string | RegExp = /^Run/): Promise<void> {
  await lab(page).getByRole('button', { name: button }).click()
  await expect(lab(page).getByRole('button', { name: 'Cancel' })).toBeDisabled({ timeout: 60_000 })
}

const snapshotWithServers = z.looseObject({ servers: z.array(z.looseObject({})) })

const retries = async (page: Page, policy: string) =>
  Number.parseInt(await rowOf(page, policy).getByRole('cell').nth(5).innerText(), 10)

test('fair shares: 60 visits of each policy, none of them a page view', async ({ page }) => {
  await visitLive(page)
  await openLab(page)
  const requests: string[] = []
  page.on('request', request => requests.push(new URL(request.url()).pathname))
  await expect(lab(page).getByText('Nothing of this run is counted or logged.')).toBeVisible()
  await lab(page).getByRole('button', { name: 'Round robin' }).click()
  // On a busy machine a server can miss a try. NGINX then leaves it out for a second and gives it fewer visits after that, also in
  // the next run. So two runs in a row must be without a failed try, and the second one is compared.
  let missed = true
  await expect(async () => {
    requests.length = 0
    await run(page, 'Run all 4')
    const missedBefore = missed
    missed = (await retries(page, 'Round robin')) > 0
    expect(missed || missedBefore).toBe(false)
  }).toPass()
  const roundRobin = Object.values(await visitsOf(page, 'Round robin'))
  expect(roundRobin.reduce((sum, visits) => sum + visits, 0)).toBe(60)
  expect(Math.max(...roundRobin) - Math.min(...roundRobin)).toBeLessThanOrEqual(2)
  expect(requests.filter(path => path === '/lab/visit')).toHaveLength(240)
  expect(requests).not.toContain('/')
  await expect(
    lab(page).getByText(
      /^(?:.+ (?:was|were) the most even .+ the least .+|All had the same evenness: .+)\. (?:As you expected|You expected: Round robin)\.$/,
    ),
  ).toBeVisible()
})

test('one slow server: round robin gives it a full share, least connections less', async ({ page }) => {
  await openExperiment(page, 'slow-server')
  const slow = await lab(page).getByRole('combobox', { name: 'Slow server', exact: true }).inputValue()
  await lab(page).getByRole('button', { name: 'Its full share' }).click()
  await run(page)
  const [roundRobin, leastConnections] = [
    (await visitsOf(page, 'Round robin'))[slow] ?? 0,
    (await visitsOf(page, 'Least connections'))[slow] ?? 0,
  ]
  expect(leastConnections).toBeLessThan(0.6 * roundRobin)
  await expect(
    lab(page).getByText(
      new RegExp(`gave slow ${slow} \\d+% of visits, round robin \\d+%\\. As you expected\\.$`),
    ),
  ).toBeVisible()
  await expect(lab(page).getByText('Bold: fewest slow answers.')).toBeVisible()
  await expect(rowOf(page, 'Round robin').getByRole('cell').nth(4)).toHaveText(
    new RegExp(`^${roundRobin}(?!\\d)`),
  )
})

test('one dead server: it answers no visit, and no visit fails', async ({ page }) => {
  await openExperiment(page, 'dead-server')
  const dead = await lab(page).getByRole('combobox', { name: 'Failing server', exact: true }).inputValue()
  await lab(page).getByRole('button', { name: 'None', exact: true }).click()
  await run(page)
  for (const policy of ['Round robin', 'Least connections', 'Two random choices', 'Hash of a key']) {
    const visits = await visitsOf(page, policy)
    expect(visits[dead]).toBe(0)
    expect(Object.values(visits).reduce((sum, count) => sum + count, 0)).toBe(60)
  }
  expect(await retries(page, 'Round robin')).toBeGreaterThan(0)
  await expect(
    lab(page).getByText(/^No visit failed\. Failed tries that NGINX hid: .+ As you expected\.$/),
  ).toBeVisible()
})

test('one office: IP hash uses one server, and the run says which of its visits count', async ({ page }) => {
  await openExperiment(page, 'one-office')
  await expect(lab(page).getByText('Real visits: 120 of this run are counted and logged.')).toBeVisible()
  await expect(rowOf(page, 'With my cookie')).toContainText('counted')
  await lab(page).getByRole('button', { name: 'One', exact: true }).click()
  await run(page)
  expect(Object.values(await visitsOf(page, 'IP hash')).filter(visits => visits > 0)).toEqual([60])
  expect(
    Object.values(await visitsOf(page, 'Hash of a key')).filter(visits => visits > 0).length,
  ).toBeGreaterThan(1)
  await expect(lab(page).getByText(/^IP hash sent all to \S+, .* As you expected\.$/)).toBeVisible()
})

test('coming back: the hash keeps all visitors, and moves those of a server that fails', async ({ page }) => {
  await openExperiment(page, 'coming-back')
  await choosePolicies(page, 'Round robin', 'Hash of a key')
  await run(page)
  const moved = rowOf(page, 'Hash of a key').getByRole('cell').nth(6)
  await expect(moved).toHaveText(/^0 of 10/)
  await expect(rowOf(page, 'Round robin').getByRole('cell').nth(6)).not.toHaveText(/^0 of 10/)
  const last = Object.keys(await visitsOf(page, 'Hash of a key')).at(-1) ?? ''
  const itsVisits = (await visitsOf(page, 'Hash of a key'))[last] ?? 0
  await run(page, `Let ${last} fail, run again`)
  await expect(page).toHaveURL(new RegExp(`lab_fail=${last}`))
  // Ten visitors, six visits each.
  await expect(moved).toHaveText(new RegExp(`^${itsVisits / 6} of 10`))
  await expect(
    lab(page).getByText(/^Round robin moved \d+ of 10 visitors and the hash of a key moved \d+ of 10/),
  ).toBeVisible()
})

test('the hash says whether it is consistent, as NGINX has it', async ({ page }) => {
  await openExperiment(page, 'fair-shares')
  await choosePolicies(page, 'Hash of a key')
  const [answer] = await Promise.all([page.waitForResponse('**/lab/visit?*'), run(page)])
  const words = answer.headers()['x-hash'] === 'hash consistent' ? 'Consistent here' : 'Not consistent here'
  await expect(rowOf(page, 'Hash of a key')).toContainText(words)
})

test('a refusal, no answer or Cancel ends a run; what it says counts answers only', async ({ page }) => {
  await openExperiment(page, 'fair-shares&lab_policies=round_robin&lab_concurrent=1')
  const row = rowOf(page, 'Round robin')
  let answers = 0
  let then: 'refuse' | 'break' | 'hang' = 'refuse'
  await page.route('**/lab/visit?*', route => {
    if (++answers <= 10) return route.continue()
    if (then === 'refuse')
      return route.fulfill({ status: 429, json: { error: { code: 'too_many_requests', message: 'why' } } })
    return then === 'break' ? route.abort() : undefined
  })
  await run(page)
  await expect(
    lab(page).getByText(
      /^NGINX refused a visit \(429\), so the run ended: too many came from your address, or too many people/,
    ),
  ).toBeVisible()
  await expect(row).toContainText(
    /Round robin: 10 visits answered by \d+ servers\. 50 visits not sent or cancelled\./,
  )
  answers = 0
  then = 'break'
  await run(page)
  await expect(lab(page).getByText(/^A visit of the lab got no answer/)).toBeVisible()
  await expect(row).toContainText('50 visits not sent or cancelled.')
  answers = 0
  then = 'hang'
  await lab(page).getByRole('button', { name: /^Run/ }).click()
  await expect.poll(() => answers).toBe(11)
  await lab(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(lab(page).getByText(/^You cancelled the run\./)).toBeVisible()
  await expect(row).toContainText('50 visits not sent or cancelled.')
  const sum = Object.values(await visitsOf(page, 'Round robin')).reduce((all, visits) => all + visits, 0)
  expect(sum).toBe(10)
})

test('another experiment, chosen during a run, is shown after it', async ({ page }) => {
  await openExperiment(page, 'coming-back&lab_policies=round_robin,cookie')
  await page.route('**/lab/visit?*', () => undefined)
  const counted = lab(page).getByText('Real visits: 60 of this run are counted and logged.')
  const slow = lab(page).getByRole('combobox', { name: 'Slow server', exact: true })
  await lab(page).getByRole('button', { name: 'Run all 2' }).click()
  await expect(lab(page).getByText('Running: Round robin')).toBeVisible()
  await lab(page).getByRole('link', { name: 'One slow server' }).click()
  await expect(page).toHaveURL(/\?lab=slow-server$/)
  await expect(counted).toBeVisible()
  await expect(slow).toHaveValue('')
  await expect(lab(page).getByRole('checkbox', { checked: true })).toHaveCount(2)
  await lab(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(lab(page).getByText('Nothing of this run is counted or logged.')).toBeVisible()
  await expect(slow).not.toHaveValue('')
})

test('only visitors of a run that came back can meet a server that fails', async ({ page }) => {
  await openExperiment(page, 'fair-shares&lab_policies=hash')
  const again = lab(page).getByRole('button', { name: /fail, run again$/ })
  await run(page)
  await lab(page).getByRole('link', { name: 'Coming back' }).click()
  await choosePolicies(page, 'Hash of a key')
  await expect(again).toHaveCount(0)
  await run(page)
  await expect(again).toBeVisible()
})

test('by keyboard: the focus stays in the lab, also when the pressed button goes away', async ({ page }) => {
  await openExperiment(page, 'coming-back&lab_policies=hash')
  const runButton = lab(page).getByRole('button', { name: 'Run', exact: true })
  const again = lab(page).getByRole('button', { name: /^Let .+ fail, run again$/ })
  await runButton.focus()
  await page.keyboard.press('Enter')
  await expect(again).toBeEnabled({ timeout: 60_000 })
  await expect(runButton).toBeFocused()
  for (let stops = 0; stops < 2; stops++) await page.keyboard.press('Tab')
  await expect(again).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(again).toHaveCount(0)
  await expect(runButton).toBeFocused()
  await expect(lab(page).getByText(/^The hash of a key moved \d+ of 10/)).toBeVisible({ timeout: 60_000 })
})

test('without a server that can answer, the lab says so and runs nothing', async ({ page }) => {
  // The page polls, so the test can change what it receives.
  await page.addInitScript('LockManager.prototype.request = () => new Promise(() => {})')
  await page.route('**/api/snapshot', async route => {
    const response = await route.fetch()
    const snapshot = snapshotWithServers.parse(await response.json())
    const servers = snapshot.servers.map(server => ({ ...server, state: 'lost' }))
    await route.fulfill({ response, json: { ...snapshot, servers } })
  })
  await page.goto('/?lab=one-office')
  await expectHydrated(page)
  await openLab(page)
  await expect(lab(page).getByText('No server can answer now.')).toBeVisible({ timeout: 30_000 })
  const visits: string[] = []
  page.on('request', request => visits.push(new URL(request.url()).pathname))
  // It can be pressed, because it keeps the focus.
  await lab(page).getByRole('button', { name: 'Run all 4' }).click({ force: true })
  await expect(lab(page).getByRole('button', { name: 'Run all 4' })).toBeDisabled()
  await expect(lab(page).getByText('Choose what you expect, then run.')).toBeVisible()
  expect(visits).not.toContain('/lab/visit')
  expect((await openAxe(page).include('#lab').analyze()).violations).toEqual([])
})

test('the address keeps a set-up, and what makes no sense in it is ignored', async ({ page }) => {
  await openExperiment(
    page,
    'slow-server&lab_visits=7&lab_slow=web-99:400&lab_policies=fastest&lab_fail=none',
  )
  await expect(lab(page).getByRole('button', { name: '60', pressed: true })).toBeVisible()
  await expect(lab(page).getByRole('combobox', { name: 'Slower by', exact: true })).toHaveValue('400')
  await lab(page).getByRole('button', { name: '300' }).click()
  await lab(page).getByRole('combobox', { name: 'Slower by', exact: true }).selectOption('1000')
  await choosePolicies(page, 'IP hash', 'Hash of a key')
  await page.reload()
  await expectHydrated(page)
  await openLab(page)
  await expect(lab(page).getByRole('button', { name: '300', pressed: true })).toBeVisible()
  await expect(lab(page).getByRole('combobox', { name: 'Slower by', exact: true })).toHaveValue('1000')
  const chosen = lab(page).getByRole('checkbox', { checked: true })
  await expect(chosen).toHaveCount(2)
  // A card sets everything, and is no visit.
  await lab(page)
    .getByRole('link', { name: /One dead server/ })
    .click()
  await expect(page).toHaveURL(/\?lab=dead-server$/)
  await expect(chosen).toHaveCount(4)
  await expect(lab(page).getByRole('combobox', { name: 'Slow server', exact: true })).toHaveValue('')
})

test('the lab loads when it comes near the window, and again if that failed', async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 200 })
  await visitLive(page)
  const loaded: string[] = []
  let fails = true
  await page.route('**/_next/static/**', route => {
    loaded.push(route.request().url())
    return fails ? route.abort() : route.continue()
  })
  await expect(lab(page).getByRole('button')).toHaveCount(0)
  expect(loaded).toEqual([])
  await lab(page).getByRole('heading').scrollIntoViewIfNeeded()
  await expect(lab(page).getByRole('alert')).toContainText('The lab could not be loaded.')
  fails = false
  await lab(page).getByRole('button', { name: 'Try again' }).click()
  await openLab(page)
})

for (const width of [390, 768, 1280, 2560]) {
  test(`nothing moves when the lab has loaded: ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 })
    const shifts = await watchShifts(page)
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await page.goto('/')
    await expectHydrated(page)
    await page.route('**/_next/static/**', async route => {
      await released
      await route.continue()
    })
    // What is below the lab is in the window, too.
    await page.evaluate(() => document.querySelector('#lab')?.nextElementSibling?.scrollIntoView())
    await page.evaluate(() => scrollBy(0, -300))
    release()
    await openLab(page)
    expect(await shifts()).toEqual([])
  })
}

test('without JavaScript the experiments can be read', async ({ browser, baseURL }) => {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    ...(baseURL !== undefined && { baseURL }),
  })
  const page = await context.newPage()
  await page.goto('/?lab=dead-server')
  for (const title of ['Fair shares', 'One slow server', 'One dead server', 'One office', 'Coming back'])
    await expect(lab(page).getByRole('listitem').filter({ hasText: title })).toBeVisible()
  await expect(lab(page).getByText('Watch who moves.')).toBeVisible()
  await expect(page.locator('#lab noscript p')).toContainText('needs JavaScript')
  await expect(lab(page).getByRole('link')).toHaveCount(0)
  // The HTML is the same for every address.
  await expect(lab(page).locator('[data-chosen], [aria-current=true]')).toHaveCount(0)
  await context.close()
})

test('a phone shows one experiment, and folds the results', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await openExperiment(page, 'one-office')
  await expect(lab(page).getByRole('listitem')).toHaveCount(1)
  await lab(page).getByRole('combobox', { name: 'Experiment', exact: true }).selectOption('fair-shares')
  await expect(lab(page).getByRole('listitem')).toContainText('Fair shares')
  await expect(lab(page).getByRole('table')).toBeHidden()
  await lab(page).getByRole('button', { name: 'Policies and results' }).click()
  await run(page)
  // A phone has no head with the servers' names: each bar has its name.
  for (const name of Object.keys(await visitsOf(page, 'Round robin'))) {
    const box = await rowOf(page, 'Round robin').getByText(name, { exact: true }).boundingBox()
    expect(box?.width).toBeGreaterThan(10)
  }
  expect(Object.values(await visitsOf(page, 'Round robin')).reduce((sum, visits) => sum + visits, 0)).toBe(60)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a finished run fits, and anyone can read it: ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme })
    await openExperiment(page, 'slow-server')
    await run(page)
    await run(page)
    for (const width of [360, 768, 1280, 2560]) {
      await page.setViewportSize({ width, height: 900 })
      const fold = lab(page).getByRole('button', { name: 'Policies and results', expanded: false })
      if (await fold.isVisible()) await fold.click()
      await lab(page).getByRole('table').scrollIntoViewIfNeeded()
      expect((await openAxe(page).include('#lab').analyze()).violations).toEqual([])
      const overlaps = await overlappingTexts(page)
      // The skip link, which only the keyboard shows.
      expect(overlaps.filter(text => !text.includes('Skip to your visit'))).toEqual([])
      const wide = await page
        .locator('#lab *')
        .evaluateAll(elements =>
          elements
            .filter(element => element.getBoundingClientRect().right > innerWidth)
            .map(element => element.outerHTML.slice(0, 100)),
        )
      expect(wide).toEqual([])
      if (process.env.SCREENSHOTS)
        await lab(page).screenshot({ path: `test-results/lab-${colorScheme}-${width}.png` })
    }
  })
}
