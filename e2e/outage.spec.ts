import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { z } from 'zod'
import { readStackFile } from '../tools/launcher/stack/data-dir.ts'
import { visitMany } from '../tools/lib/visitors.ts'
import type { History } from '../web/shared/api.ts'

// What the servers say of themselves to whoever starts and watches them.

test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')

function readStack() {
  const stack = readStackFile(process.env.STACK_FILE ?? '')
  if (!stack) throw new Error('no stack runs')
  return stack
}

/** For each server: `live` and `ready` as status, and why it is not ready. */
async function healthOfAll(): Promise<string[]> {
  return Promise.all(
    readStack().replicas.map(async ({ address }) => {
      const live = await fetch(`http://${address}/health/live`)
      const ready = await fetch(`http://${address}/health/ready`)
      const body: unknown = await ready.json()
      return `${live.status} ${ready.status} ${JSON.stringify(body)}`
    }),
  )
}

const well = '200 200 {"ready":true}'
const away = expect.stringMatching(/^200 503 \{"error":\{"code":"database_away"/)

test('while the database hangs every server lives and says why it is not ready; then all serve again by themselves', async ({
  request,
}) => {
  const before = readStack()
  process.kill(before.database.pid, 'SIGSTOP')
  try {
    await expect.poll(healthOfAll, { timeout: 30_000 }).toEqual([away, away, away])
  } finally {
    process.kill(before.database.pid, 'SIGCONT')
  }
  await expect.poll(healthOfAll).toEqual([well, well, well])
  for (const { srv_id } of before.replicas) {
    const answer = await request.get('/', { headers: { Cookie: `srv_id=${srv_id}` } })
    expect([answer.status(), answer.headers()['x-srv-id']]).toEqual([200, srv_id])
  }
  expect(readStack().replicas).toEqual(before.replicas)
})

test('after the database was killed and is back, every server counts again without a restart', async ({
  request,
}) => {
  const before = readStack()
  process.kill(before.database.pid, 'SIGKILL')
  await expect.poll(() => readStack().database.pid, { timeout: 30_000 }).not.toBe(before.database.pid)
  await expect.poll(healthOfAll).toEqual([well, well, well])
  for (const { srv_id } of before.replicas) {
    const visit = () => request.get('/', { headers: { Cookie: `srv_id=${srv_id}` } })
    await expect.poll(async () => (await visit()).headers()['x-srv-id']).toBe(srv_id)
    expect((await visit()).status()).toBe(200)
  }
  expect(readStack().replicas).toEqual(before.replicas)
})

for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
  test(`a server that gets ${signal} leaves in order: it fails no page view and says that it left`, async ({
    request,
    baseURL,
  }) => {
    const before = readStack()
    const [server] = before.replicas
    const timesLeft = async () => {
      const { events }: History = await (await request.get('/api/history?range=5m')).json()
      return events.filter(event => event.kind === 'left').length
    }
    const left = await timesLeft()
    const ended = new AbortController()
    const visits = visitMany(`${baseURL}/`, { connections: 4, perSecond: 50, until: ended.signal })
    process.kill(server?.pid ?? 0, signal)
    await expect.poll(() => readStack().replicas[0]?.pid, { timeout: 30_000 }).not.toBe(server?.pid)
    ended.abort()
    expect(new Set((await visits).map(answer => answer.status))).toEqual(new Set([200]))
    expect(await timesLeft()).toBe(left + 1)
  })
}

test('a server goes on after SIGUSR1 and SIGUSR2, and opens no debugger', async ({ request }) => {
  const [server] = readStack().replicas
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(server?.pid ?? 0, signal)
  const answer = await request.get('/', { headers: { Cookie: `srv_id=${server?.srv_id}` } })
  expect(answer.headers()['x-srv-id']).toBe(server?.srv_id)
  expect(readStack().replicas[0]?.pid).toBe(server?.pid)
  // Node's default for SIGUSR1.
  await expect(request.get('http://127.0.0.1:9229/json')).rejects.toThrow('ECONNREFUSED')
})

// A visit while the database does not answer, on a stack whose database this test may stop.

const stackFilePath = process.env.STACK_FILE
const processWithPid = z.looseObject({ pid: z.number().int() })
const processesOfStack = z.looseObject({
  database: processWithPid,
  replicas: z.array(processWithPid.extend({ srv_id: z.string() })),
})

const readProcesses = (file: string) => processesOfStack.parse(JSON.parse(readFileSync(file, 'utf8')))

/** Stops the database's process until the end of an `await using`, or until it is told to go on. */
const pauseDatabase = (file: string) => pause(readProcesses(file).database)

function pause({ pid }: z.infer<typeof processWithPid>) {
  process.kill(pid, 'SIGSTOP')
  const goOn = () => void process.kill(pid, 'SIGCONT')
  return { goOn, [Symbol.dispose]: goOn }
}

test('without the database a visit is told so on a board that comes alive by itself', async ({ page }) => {
  test.skip(!stackFilePath, 'needs a stack whose database can be stopped')
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => complaints.push(message.text()))
  await page.goto('/')
  const counted = await page.title()

  using database = pauseDatabase(stackFilePath ?? '')
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
  test.skip(!stackFilePath, 'needs a stack whose parts can be stopped')
  const counted = await page.goto('/')
  const { replicas } = readProcesses(stackFilePath ?? '')
  const own = replicas.find(({ srv_id }) => srv_id === counted?.headers()['x-srv-id'])
  if (!own) throw new Error('the page is of no server of this stack')

  using _server = pause(own)
  using _database = pauseDatabase(stackFilePath ?? '')
  const answer = await page.goto('/')
  expect(answer?.status()).toBe(503)
  expect(answer?.headers()['x-earlier-try']).toBe('unanswered')
  const notice = page.getByRole('region', { name: 'This visit' })
  await expect(notice).toContainText(
    'NGINX first tried another server, which did not answer and may have counted it',
  )
})
