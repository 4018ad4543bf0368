import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { z } from 'zod'
import { visitMany } from '../tools/lib/visitors.ts'
import { faultsBoard, readFaultsStack } from './support/board-control.ts'
import { eventLine, expectLive, openAxe, visitLive } from './support/page-checks.ts'

// Control of the servers from the page, with the token and without it, and draining with the operator's commands.

test.skip(!process.env.FAULTS_STACK_FILE, 'needs a stack of plain processes')
test.use(faultsBoard)

const stackFile = process.env.FAULTS_STACK_FILE ?? ''
const token = stackFile ? readFileSync(join(dirname(stackFile), 'admin-token'), 'utf8').trim() : ''

const table = (page: Page) => page.getByRole('table', { name: 'Hits per server' })
const rowOf = (page: Page, name: string) =>
  table(page).getByRole('row', { name: new RegExp(`^${name} .*\\b(?:up|draining|silent|lost|stopped)`) })
/** The state and, behind it, when the server was restarted */
const stateOf = (page: Page, name: string) => rowOf(page, name).getByRole('cell').first()
const opener = (page: Page, name: string) =>
  table(page).getByRole('button', { name: `Control of ${name}`, exact: true })
const panel = (page: Page, name: string) => table(page).getByRole('group', { name: `Control of ${name}` })

async function openPanel(page: Page, name: string) {
  await opener(page, name).click()
  await expect(panel(page, name)).toBeVisible()
  return panel(page, name)
}

function command(name: string, word: string, baseURL: string | undefined) {
  return fetch(`${baseURL}/api/servers/${name}/${word}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  })
}

/** The test before may have restarted one. */
async function expectAllUp(page: Page): Promise<void> {
  for (const name of ['web-1', 'web-2', 'web-3'])
    await expect(stateOf(page, name)).toContainText(/^\s*up/, { timeout: 60_000 })
}

test.afterEach(async ({ baseURL }) => {
  for (const { name } of readFaultsStack().replicas) await command(name, 'undrain', baseURL)
})

test('without the token nothing of it is shown', async ({ page }) => {
  await visitLive(page)
  await expectAllUp(page)
  await expect(page.getByText('⋯')).toHaveCount(0)
  await expect(page.getByRole('columnheader', { name: 'Control' })).toHaveCount(0)
  await page.goto('/#token=wrong')
  await expectLive(page)
  await expect(page).toHaveURL(/\/$/)
  await expect(page.getByText('⋯')).toHaveCount(0)
})

test('the link with the token opens it, the address keeps nothing, and a drain can be undone', async ({
  page,
}) => {
  await visitLive(page, `/?order=hits#token=${token}`)
  await expect(page).toHaveURL(/\/\?order=hits$/)
  await expectAllUp(page)
  await page.reload()
  await expectLive(page)
  const control = await openPanel(page, 'web-2')
  await control.getByRole('button', { name: 'Drain web-2' }).click()
  await expect(control).toContainText('web-2 drains: its visitors stay, new ones go to web-1, web-3.')
  await expect(rowOf(page, 'web-2')).toContainText('draining')
  // The button goes after ten seconds, but not the focus.
  const undo = control.getByRole('button', { name: 'Undo' })
  await undo.focus()
  await expect(undo).toHaveCount(0, { timeout: 20_000 })
  await expect(control.getByRole('button', { name: 'End the drain of web-2' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(stateOf(page, 'web-2')).toContainText(/^\s*up/)
  await control.getByRole('button', { name: 'Drain web-2' }).click()
  await control.getByRole('button', { name: 'Undo' }).click()
  await expect(control).toContainText('web-2 takes new visitors again.')
  await expect(stateOf(page, 'web-2')).toContainText(/^\s*up/)
  await expect(page.getByRole('list', { name: 'Server outages and events' })).toContainText(
    'web-2 no longer draining by control',
    { timeout: 60_000 },
  )
})

test('a kill asks first, by keyboard too; Escape changes nothing; then the server is another process', async ({
  page,
}) => {
  const before = readFaultsStack().replicas.find(({ name }) => name === 'web-3')
  await visitLive(page, `/#token=${token}`)
  await expectAllUp(page)
  await opener(page, 'web-3').focus()
  await page.keyboard.press('Enter')
  const control = panel(page, 'web-3')
  await expect(control).toBeVisible()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await expect(control.getByRole('button', { name: 'Kill web-3 …' })).toBeFocused()
  await page.keyboard.press('Enter')
  const safe = control.getByRole('button', { name: 'Leave it running' })
  await expect(safe).toBeFocused()
  await expect(control).toContainText('Its process ends immediately, as in a crash, and is started again.')
  expect((await openAxe(page).analyze()).violations).toEqual([])
  await page.keyboard.press('Escape')
  await expect(safe).toHaveCount(0)
  await page.keyboard.press('Escape')
  await expect(control).toHaveCount(0)
  await expect(opener(page, 'web-3')).toBeFocused()
  expect(readFaultsStack().replicas.find(({ name }) => name === 'web-3')).toEqual(before)

  await openPanel(page, 'web-3')
  await control.getByRole('button', { name: 'Kill web-3 …' }).click()
  await control.getByRole('button', { name: 'Kill it' }).click()
  await expect(control).toContainText('web-3 ends as in a crash, and starts again.', { timeout: 20_000 })
  await expect
    .poll(() => readFaultsStack().replicas.find(({ name }) => name === 'web-3')?.pid, { timeout: 60_000 })
    .not.toBe(before?.pid)
  await expect(eventLine(page)).toContainText(/web-3 was killed/, { timeout: 60_000 })
  await expectAllUp(page)
  await expect(page.getByRole('list', { name: 'Server outages and events' })).toContainText(
    'web-3 killed by control',
    { timeout: 60_000 },
  )
  expect(await (await page.request.get('/api/audit')).json()).toMatchObject({ consistent: true })
})

test('the last server that is up is refused, on a phone too, and a restart is orderly', async ({
  page,
  baseURL,
}) => {
  await page.setViewportSize({ width: 360, height: 800 })
  await visitLive(page, `/#token=${token}`)
  await expectAllUp(page)
  for (const name of ['web-2', 'web-3']) expect((await command(name, 'drain', baseURL)).status).toBe(200)
  await expect(rowOf(page, 'web-3')).toContainText('draining')
  await page.getByLabel('More about web-1').click()
  const control = await openPanel(page, 'web-1')
  await expect(control).toContainText('web-1 is the last server that is up, so it cannot be drained')
  for (const name of ['Drain web-1', 'Restart web-1 …', 'Kill web-1 …'])
    await expect(control.getByRole('button', { name })).toBeDisabled()
  expect((await command('web-1', 'kill', baseURL)).status).toBe(409)
  expect((await openAxe(page).analyze()).violations).toEqual([])
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)

  expect((await command('web-2', 'undrain', baseURL)).status).toBe(200)
  await expect(control.getByRole('button', { name: 'Restart web-1 …' })).toBeEnabled()
  await control.getByRole('button', { name: 'Restart web-1 …' }).click()
  const confirm = control.getByRole('button', { name: 'Restart it' })
  await expect(confirm).toBeEnabled()

  // Meanwhile it becomes the last one: the question stays, and so does the focus.
  expect((await command('web-2', 'drain', baseURL)).status).toBe(200)
  await expect(confirm).toBeDisabled()
  await expect(control).toContainText('web-1 is the last server that is up')
  await expect(control.getByRole('button', { name: 'Leave it running' })).toBeFocused()
  expect((await command('web-2', 'undrain', baseURL)).status).toBe(200)
  await expect(confirm).toBeEnabled()
  await expect(control.getByRole('button', { name: 'Leave it running' })).toBeFocused()
  await confirm.click()
  await expect(control).toContainText('web-1 restarts', { timeout: 20_000 })
  await expect(rowOf(page, 'web-1')).toContainText(/restarted/, { timeout: 60_000 })
})

test('control that could not be loaded can be tried again', async ({ page }) => {
  await visitLive(page, `/#token=${token}`)
  await expectAllUp(page)
  await page.route('**/_next/static/**', route => route.abort())
  await opener(page, 'web-2').click()
  await expect(table(page).getByRole('alert')).toContainText('Control could not be loaded.')
  await page.unroute('**/_next/static/**')
  await table(page).getByRole('button', { name: 'Try again' }).click()
  await expect(panel(page, 'web-2')).toBeVisible()
})

test('where the browser forbids storage, the token lasts until the page is left', async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, 'sessionStorage', {
      get: () => {
        throw new DOMException('forbidden', 'SecurityError')
      },
    })
  })
  await visitLive(page, `/#token=${token}`)
  await expect(page).toHaveURL(/\/$/)
  await expect(opener(page, 'web-1')).toBeVisible()
  await page.goto('/')
  await expectLive(page)
  await expect(opener(page, 'web-1')).toHaveCount(0)
})

test('a wrong token is forgotten, control can be left, and no answer has its own words', async ({ page }) => {
  const notice = (text: string) => page.getByRole('status').filter({ hasText: text })
  await visitLive(page, '/#token=short')
  await expect(notice('The token in this link is not valid.')).toBeVisible()

  await page.goto('about:blank')
  await visitLive(page, `/#token=${token}x`)
  await expectAllUp(page)
  await (await openPanel(page, 'web-2')).getByRole('button', { name: 'Drain web-2' }).click()
  await expect(notice('This token is not valid.')).toBeFocused()
  await expect(opener(page, 'web-2')).toHaveCount(0)
  await page.reload()
  await expectLive(page)
  await expect(opener(page, 'web-2')).toHaveCount(0)

  await page.goto('about:blank')
  await visitLive(page, `/#token=${token}`)
  await page.route('**/api/servers/**', route => route.abort())
  const control = await openPanel(page, 'web-2')
  await control.getByRole('button', { name: 'Drain web-2' }).click()
  await expect(control).toContainText('No answer: the outcome is not known. The table shows it.')
  await control.getByRole('button', { name: 'Leave control' }).click()
  await expect(notice('Control has ended')).toBeFocused()
  await expect(opener(page, 'web-2')).toHaveCount(0)
  await page.reload()
  await expectLive(page)
  await expect(opener(page, 'web-2')).toHaveCount(0)
})

// Draining with the operator's commands, as visitors see it.

const visit = z.looseObject({ srv_id: z.string(), arrival: z.string() })

function serverCalled(name: string) {
  const server = readFaultsStack().replicas.find(replica => replica.name === name)
  if (!server) throw new Error(`the stack has no ${name}`)
  return server
}

/** Runs `npm run drain -- NAME` or `npm run undrain -- NAME`. */
function runDrain(change: 'drain' | 'undrain', name: string) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '..', 'tools/launcher/drain.ts'), change, name],
    { encoding: 'utf8', env: { ...process.env, DATA_DIR: dirname(stackFile) } },
  )
  return { status, said: (stdout + stderr).trim() }
}

function visitAsNewVisitors(baseURL: string | undefined) {
  return visitMany(`${baseURL}/`, { connections: 3, pageViews: 30 })
}

test('a draining server keeps its visitor and gets no new ones, until it is undrained', async ({
  page,
  context,
  baseURL,
}) => {
  const web2 = serverCalled('web-2')
  await context.addCookies([{ name: 'srv_id', value: web2.srv_id, url: baseURL ?? '' }])
  const mine = page.getByRole('table', { name: 'Hits per server' }).getByRole('row', { name: /yours/ })
  await page.goto('/')
  await expect(mine).toContainText('web-2')

  expect(runDrain('drain', 'web-2')).toEqual({
    status: 0,
    said: 'web-2 drains: its visitors stay, new ones go to web-1, web-3',
  })
  await expect(mine).toContainText('draining')

  const answers = await visitAsNewVisitors(baseURL)
  expect(answers.map(answer => answer.status)).toEqual(Array(30).fill(200))
  expect(answers.filter(answer => answer.srvId === web2.srv_id)).toEqual([])

  for (let visits = 0; visits < 3; visits++) {
    await page.reload()
    await expect(mine).toContainText('web-2')
  }
  const again = await page.request.get('/', { headers: { Accept: 'application/json' } })
  expect(visit.parse(await again.json())).toMatchObject({ srv_id: web2.srv_id, arrival: 'returning' })

  expect(runDrain('undrain', 'web-2')).toEqual({ status: 0, said: 'web-2 takes new visitors again' })
  expect((await visitAsNewVisitors(baseURL)).map(answer => answer.srvId)).toContain(web2.srv_id)
  await expect(mine).toContainText('up')
  expect(serverCalled('web-2').pid).toBe(web2.pid)
})

test('when all servers drain, new visitors are still served', async ({ baseURL, request }) => {
  for (const name of ['web-1', 'web-2']) expect(runDrain('drain', name).status).toBe(0)
  expect(runDrain('drain', 'web-3')).toEqual({
    status: 0,
    said: 'web-3 drains, and so does every other server: new visitors are still served',
  })
  const answers = await visitAsNewVisitors(baseURL)
  expect(answers.map(answer => answer.status)).toEqual(Array(30).fill(200))
  expect((await request.head('/')).status()).toBe(200)
  for (const path of ['/api/snapshot', '/api/log', '/api/audit', '/icon.svg'])
    expect((await request.get(path)).status(), path).toBe(200)
})

test('no request of a new visitor binds it to a draining server', async ({ playwright, baseURL }) => {
  const web2 = serverCalled('web-2')
  runDrain('drain', 'web-2')
  for (const headers of [
    {},
    { 'Sec-Purpose': 'prefetch' },
    { RSC: '1' },
    { 'X-Last-Try': '1' },
    { Cookie: `srv_id=${'0'.repeat(32)}` },
  ]) {
    for (const method of ['GET', 'GET', 'GET', 'HEAD', 'HEAD', 'HEAD']) {
      const visitor = await playwright.request.newContext({
        baseURL: baseURL ?? '',
        extraHTTPHeaders: headers,
      })
      const answer = await visitor.fetch('/', { method })
      // Answers that are no page views set no cookie.
      expect(answer.headers()['set-cookie'] ?? '').not.toContain(web2.srv_id)
      await visitor.dispose()
    }
  }
})

test('a draining server is not ready, but live', async () => {
  const { address } = serverCalled('web-2')
  const ready = async () => {
    const answer = await fetch(`http://${address}/health/ready`)
    return { status: answer.status, body: await answer.json() }
  }
  expect(await ready()).toEqual({ status: 200, body: { ready: true } })
  runDrain('drain', 'web-2')
  expect(await ready()).toMatchObject({ status: 503, body: { error: { code: 'draining' } } })
  expect((await fetch(`http://${address}/health/live`)).status).toBe(200)
})

test('the commands report repeated and unknown requests', () => {
  expect(runDrain('undrain', 'web-1')).toEqual({ status: 0, said: 'web-1 does not drain: nothing to undo' })
  runDrain('drain', 'web-1')
  expect(runDrain('drain', 'web-1')).toEqual({ status: 0, said: 'web-1 drains already' })
  expect(runDrain('drain', 'web-9')).toEqual({
    status: 1,
    said: 'Balance Board: there is no server web-9, only web-1, web-2, web-3',
  })
  expect(runDrain('drain', '')).toMatchObject({ status: 1, said: expect.stringContaining('name one server') })
})
