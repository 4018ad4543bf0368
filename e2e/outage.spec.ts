import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { z } from 'zod'

// A visit while the database does not answer, on a stack whose database this test may stop.

const stackFile = process.env.STACK_FILE
const part = z.looseObject({ pid: z.number().int() })
const stack = z.looseObject({
  database: part,
  replicas: z.array(part.extend({ srv_id: z.string() })),
})

const readStack = (file: string) => stack.parse(JSON.parse(readFileSync(file, 'utf8')))

/** Stops the database's process until the end of an `await using`, or until it is told to go on. */
const pauseDatabase = (file: string) => pause(readStack(file).database)

function pause({ pid }: z.infer<typeof part>) {
  process.kill(pid, 'SIGSTOP')
  const goOn = () => void process.kill(pid, 'SIGCONT')
  return { goOn, [Symbol.dispose]: goOn }
}

test('without the database a visit is told so on a board that comes alive by itself', async ({ page }) => {
  test.skip(!stackFile, 'needs a stack whose database can be stopped')
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => complaints.push(message.text()))
  await page.goto('/')
  const counted = await page.title()

  using database = pauseDatabase(stackFile ?? '')
  const answer = await page.goto('/')
  expect(answer?.status()).toBe(503)
  expect(answer?.headers()).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' })
  const notice = page.getByRole('region', { name: 'This visit' })
  await expect(notice).toContainText(
    /This page view (is not|may have been) counted|This server has not counted this page view/,
  )
  await expect(notice.getByRole('link', { name: 'Visit again' })).toBeVisible()
  await expect(page.getByRole('table', { name: 'Hits per server' }).getByRole('row')).not.toHaveCount(1)
  await expect(page.getByRole('status')).toContainText('No answer from the database since')

  database.goOn()
  await expect(page.getByRole('status')).toHaveText('Live', { timeout: 30_000 })
  await expect(notice).toBeVisible()
  await notice.getByRole('link', { name: 'Visit again' }).click()
  await expect(notice).toBeHidden()
  await expect(page).not.toHaveTitle(counted)
  expect(complaints.filter(text => !text.includes('503'))).toEqual([])
})

test('a page view that a frozen server had before is told that it may be counted', async ({ page }) => {
  test.skip(!stackFile, 'needs a stack whose parts can be stopped')
  const counted = await page.goto('/')
  const { replicas } = readStack(stackFile ?? '')
  const own = replicas.find(({ srv_id }) => srv_id === counted?.headers()['x-srv-id'])
  if (!own) throw new Error('the page is of no server of this stack')

  using _server = pause(own)
  using _database = pauseDatabase(stackFile ?? '')
  const answer = await page.goto('/')
  expect(answer?.status()).toBe(503)
  expect(answer?.headers()['x-earlier-try']).toBe('unanswered')
  const notice = page.getByRole('region', { name: 'This visit' })
  await expect(notice).toContainText(
    'another had it before, and did not answer: that one may have counted it',
  )
})
