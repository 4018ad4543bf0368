import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, type Page, type Response, test } from '@playwright/test'
import { z } from 'zod'
import { freePorts } from '../tools/lib/ports.ts'
import { type Answer, visitMany } from '../tools/lib/visitors.ts'
import type { History, Snapshot } from '../web/shared/api.ts'
import { faultsBoard, readFaultsStack, withPrismaClient } from './support/board-control.ts'
import { connectionStatus, expectLive, visitLive } from './support/page-checks.ts'

// Prisma Studio, and answers compared with the database by an independent client. Then outages: health checks, signals, and
// visits while the database does not answer.

test.skip(!process.env.FAULTS_STACK_FILE, 'needs a stack of plain processes, and its database')
test.use(faultsBoard)

async function openStudio(databaseUrl: string) {
  const { value: port } = await freePorts('studio test').next()
  const program = join(import.meta.dirname, '..', 'prisma', 'studio.ts')
  const studio = spawn(process.execPath, [program, '--port', String(port), '--browser', 'none'], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(studio, 'exit')
  const output = await Promise.race([
    once(studio.stdout, 'data').then(String),
    exited.then(() => 'Studio ended'),
  ])
  if (!output.includes('Prisma Studio is at')) throw new Error(output)
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      studio.kill('SIGTERM')
      await exited
    },
  }
}

test('Studio shows the tables and their rows, and contacts no other host', async ({ page, request }) => {
  await request.get('/')
  const { databaseUrl } = readFaultsStack()
  await using studio = await openStudio(databaseUrl)
  const elsewhere: string[] = []
  page.on('request', request => {
    const url = request.url()
    if (!url.startsWith(studio.url) && !/^(data|blob):/.test(url)) elsewhere.push(url)
  })
  await page.goto(studio.url)
  for (const table of ['access_log', 'global_counter', 'server'])
    await expect(page.getByText(table, { exact: true }).first()).toBeVisible({ timeout: 30_000 })
  await page.getByText('access_log', { exact: true }).first().click()
  await expect(page.getByText('request_id').first()).toBeVisible()
  // Studio's first page has the log's first row.
  const { requestId } = await withPrismaClient(databaseUrl, client =>
    client.accessLog.findFirstOrThrow({ orderBy: { id: 'asc' } }),
  )
  await expect(page.getByText(requestId).first()).toBeVisible()
  await expect(page.getByText('Could not load')).toHaveCount(0)
  expect(elsewhere).toEqual([])
})

/** Every answered number is in the log once, for its request; the counter, the highest id and the sum of hits are equal. */
async function expectLogged(answers: Answer[], before: number): Promise<void> {
  await withPrismaClient(readFaultsStack().databaseUrl, async client => {
    const rows = await client.accessLog.findMany({ where: { id: { gt: before } }, orderBy: { id: 'asc' } })
    const counter = Number((await client.globalCounter.findUniqueOrThrow({ where: { id: 1 } })).value)
    const sum = await client.server.aggregate({ _sum: { hits: true } })
    const numbers = answers.flatMap(answer => answer.hit ?? []).toSorted((a, b) => a - b)
    const requests = new Map(answers.map(answer => [answer.hit, answer.requestId]))
    expect(rows.map(row => row.requestId)).toEqual(numbers.map(hit => requests.get(hit)))
    expect(numbers).toEqual(rows.map(row => Number(row.id)))
    expect(numbers).toEqual(Array.from({ length: counter - before }, (_, index) => before + 1 + index))
    expect(Number(sum._sum.hits)).toBe(counter)
    expect(new Set(rows.map(row => row.requestId)).size).toBe(rows.length)
  })
}

async function counterNow(): Promise<number> {
  const { value } = await withPrismaClient(readFaultsStack().databaseUrl, client =>
    client.globalCounter.findUniqueOrThrow({ where: { id: 1 } }),
  )
  return Number(value)
}

test('the page, the log and the database agree on a visit', async ({ request }) => {
  const answer = await request.get('/', { headers: { Accept: 'application/json' } })
  const visit = z
    .looseObject({ hit: z.number(), srv_id: z.string(), at: z.string() })
    .parse(await answer.json())
  const row = await withPrismaClient(readFaultsStack().databaseUrl, client =>
    client.accessLog.findUniqueOrThrow({ where: { id: visit.hit } }),
  )
  expect({ srv_id: row.srvId, at: row.createdAt.toISOString(), ip: row.clientIp }).toEqual({
    srv_id: visit.srv_id,
    at: visit.at,
    ip: '127.0.0.1',
  })
})

test('32 connections for 8 s: no failure, numbers contiguous and unique, the audit consistent', async ({
  baseURL,
  request,
}) => {
  const before = await counterNow()
  const answers = await visitMany(`${baseURL}/`, { connections: 32, forMs: 8000 })
  expect(answers.filter(answer => answer.status !== 200)).toEqual([])
  await expectLogged(answers, before)
  expect(await (await request.get('/api/audit')).json()).toMatchObject({ consistent: true })
})

test('a replica killed under load fails no page view and counts none twice', async ({ baseURL, request }) => {
  const before = await counterNow()
  const [victim] = readFaultsStack().replicas
  const load = visitMany(`${baseURL}/`, { connections: 16, forMs: 6000, keepCookies: true })
  await expect.poll(counterNow, { intervals: [100] }).toBeGreaterThan(before + 200)
  process.kill(victim?.pid ?? Number.NaN, 'SIGKILL')
  const answers = await load
  expect(answers.filter(answer => answer.status !== 200)).toEqual([])
  await expectLogged(answers, before)
  // It restarts at its address and serves again.
  await expect.poll(() => readFaultsStack().replicas[0]?.pid, { timeout: 30_000 }).not.toBe(victim?.pid)
  const servers = z.looseObject({
    servers: z.array(z.looseObject({ srv_id: z.string(), state: z.string() })),
  })
  await expect
    .poll(async () => {
      const { servers: shown } = servers.parse(await (await request.get('/api/snapshot')).json())
      return shown.find(server => server.srv_id === victim?.srv_id)?.state
    })
    .toBe('up')
})

test('an open stream shows hits from every replica', async ({ baseURL }) => {
  const stream = await fetch(`${baseURL}/api/live`)
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const readUntil = async (expected: string) => {
    while (!text.includes(expected)) {
      const chunk = await reader?.read()
      if (!chunk || chunk.done) throw new Error('the stream ended')
      text += chunk.value
    }
  }
  await readUntil('event: snapshot')
  for (let visit = 0; visit < 6; visit++) {
    const [answer] = await visitMany(`${baseURL}/`, { connections: 1, pageViews: 1 })
    const answeredAt = performance.now()
    await readUntil(`"id":${answer?.hit},`)
    test.info().annotations.push({
      type: 'ms until the stream showed it',
      description: String(Math.round(performance.now() - answeredAt)),
    })
  }
  await reader?.cancel()
})

/** For each server: the statuses of `live` and `ready`, and why it is not ready; or why it does not answer */
async function healthOfAll(): Promise<string[]> {
  return Promise.all(
    readFaultsStack().replicas.map(async ({ address }) => {
      try {
        const live = await fetch(`http://${address}/health/live`)
        const readiness = await fetch(`http://${address}/health/ready`)
        const body: unknown = await readiness.json()
        return `${live.status} ${readiness.status} ${JSON.stringify(body)}`
      } catch (error) {
        return String(error)
      }
    }),
  )
}

const ready = '200 200 {"ready":true}'
const notReady = expect.stringMatching(/^200 503 \{"error":\{"code":"database_away"/)

test('while the database hangs every server is live and says why it is not ready; then all serve again by themselves', async ({
  request,
}) => {
  const before = readFaultsStack()
  process.kill(before.database.pid, 'SIGSTOP')
  try {
    await expect.poll(healthOfAll, { timeout: 30_000 }).toEqual([notReady, notReady, notReady])
  } finally {
    process.kill(before.database.pid, 'SIGCONT')
  }
  await expect.poll(healthOfAll).toEqual([ready, ready, ready])
  for (const { srv_id } of before.replicas) {
    const answer = await request.get('/', { headers: { Cookie: `srv_id=${srv_id}` } })
    expect([answer.status(), answer.headers()['x-srv-id']]).toEqual([200, srv_id])
  }
  expect(readFaultsStack().replicas).toEqual(before.replicas)
})

test('after the database was killed and restarted, every server counts again without a restart', async ({
  request,
}) => {
  const before = readFaultsStack()
  process.kill(before.database.pid, 'SIGKILL')
  await expect.poll(() => readFaultsStack().database.pid, { timeout: 30_000 }).not.toBe(before.database.pid)
  await expect.poll(healthOfAll).toEqual([ready, ready, ready])
  for (const { srv_id } of before.replicas) {
    const visit = () => request.get('/', { headers: { Cookie: `srv_id=${srv_id}` } })
    await expect.poll(async () => (await visit()).headers()['x-srv-id']).toBe(srv_id)
    expect((await visit()).status()).toBe(200)
  }
  expect(readFaultsStack().replicas).toEqual(before.replicas)
})

for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
  test(`a server that gets ${signal} stops cleanly: no page view fails, and the history shows that it left`, async ({
    request,
    baseURL,
  }) => {
    const before = readFaultsStack()
    const [server] = before.replicas
    const thatLeft = async () => {
      const { events }: History = await (await request.get('/api/history?range=5m')).json()
      return events.filter(event => event.type === 'stopped').map(({ id }) => id)
    }
    const leftBefore = await thatLeft()
    const ended = new AbortController()
    const visits = visitMany(`${baseURL}/`, { connections: 4, perSecond: 50, until: ended.signal })
    process.kill(server?.pid ?? 0, signal)
    await expect.poll(() => readFaultsStack().replicas[0]?.pid, { timeout: 30_000 }).not.toBe(server?.pid)
    ended.abort()
    expect(new Set((await visits).map(answer => answer.status))).toEqual(new Set([200]))
    expect((await thatLeft()).filter(id => !leftBefore.includes(id))).toHaveLength(1)
    // The next test needs a server that has started.
    await expect.poll(healthOfAll, { timeout: 30_000 }).toEqual([ready, ready, ready])
  })
}

test('a killed server stays one row whose hits do not fall, with the time of its restart, and the chart names both', async ({
  page,
  request,
}) => {
  const [server] = readFaultsStack().replicas
  if (!server) throw new Error('the board has no servers')
  for (let visit = 0; visit < 5; visit++)
    await request.get('/', { headers: { Cookie: `srv_id=${server.srv_id}` } })
  await visitLive(page)
  const table = page.getByRole('table', { name: 'Hits per server' })
  const row = table.getByRole('row').filter({ hasText: server.address })
  const rows = await table.getByRole('row').count()
  const hits = async () => Number((await row.getByRole('cell').nth(1).innerText()).replaceAll(/\D/g, ''))
  const before = await hits()
  expect(before).toBeGreaterThanOrEqual(5)
  process.kill(server.pid, 'SIGKILL')
  await expect(row).toContainText(/up\s*restarted \d/, { timeout: 30_000 })
  expect(await hits()).toBeGreaterThanOrEqual(before)
  expect(await table.getByRole('row').count()).toBe(rows)
  const events = page.getByRole('list', { name: 'Server outages and events' })
  // If its start is delayed, because it ended several times lately, it counts as lost before it is back.
  for (const what of ['(killed|lost)', 'started'])
    await expect(events).toContainText(new RegExp(`${server.name} ${what} at \\d`), { timeout: 30_000 })
  await expect.poll(healthOfAll, { timeout: 30_000 }).toEqual([ready, ready, ready])
})

test('a server that was frozen until it was lost stays so in the history once it goes on', async ({
  request,
}) => {
  const [server] = readFaultsStack().replicas
  if (!server) throw new Error('the board has no servers')
  // The test before may have restarted the server: only losses count, and those of earlier tests do not.
  const startedAt = Date.now()
  const read = async (): Promise<History> => (await request.get('/api/history?range=5m')).json()
  const eventsSince = async () =>
    (await read()).events
      .filter(({ srv_id, at }) => srv_id === server.srv_id && Date.parse(at) > startedAt - 3000)
      .filter(({ type }) => type === 'lost' || type === 'back')
      .map(({ type, id }) => [type, id])
  const row = async () => {
    const { servers }: Snapshot = await (await request.get('/api/snapshot')).json()
    return servers.find(({ srv_id }) => srv_id === server.srv_id)
  }
  const before = await row()
  {
    using _frozen = freeze(server)
    await expect.poll(async () => (await row())?.state, { timeout: 30_000 }).toBe('lost')
    await expect.poll(eventsSince).toEqual([['lost', before?.id]])
  }
  await expect.poll(async () => (await row())?.state, { timeout: 30_000 }).toBe('up')
  await expect.poll(eventsSince).toEqual([
    ['back', before?.id],
    ['lost', before?.id],
  ])
  expect((await read()).downs.find(({ srv_id }) => srv_id === server.srv_id)?.ms).toBeGreaterThan(6000)
  await expect.poll(healthOfAll, { timeout: 30_000 }).toEqual([ready, ready, ready])
})

test('a server goes on after SIGUSR1 and SIGUSR2, and opens no debugger', async ({ request }) => {
  const [server] = readFaultsStack().replicas
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(server?.pid ?? 0, signal)
  const answer = await request.get('/', { headers: { Cookie: `srv_id=${server?.srv_id}` } })
  expect(answer.headers()['x-srv-id']).toBe(server?.srv_id)
  expect(readFaultsStack().replicas[0]?.pid).toBe(server?.pid)
  // Node's default for SIGUSR1.
  await expect(request.get('http://127.0.0.1:9229/json')).rejects.toThrow('ECONNREFUSED')
})

/** Stops a process until disposal, or until `thaw` is called. */
function freeze({ pid }: { pid: number }) {
  process.kill(pid, 'SIGSTOP')
  const thaw = () => void process.kill(pid, 'SIGCONT')
  return { thaw, [Symbol.dispose]: thaw }
}

const noticeOf = (page: Page) => page.getByRole('region', { name: 'This visit' })

/**
 * Visits until the answer is the board and `fits`. A server that cannot count sends a plain page if its board is not rendered
 * within 0.3 s, which a busy machine may need longer for, and the board the next time. @returns all answers
 */
async function visitUntilBoard(page: Page, fits = (_answer: Response | null) => true) {
  const answers: (Response | null)[] = []
  await expect(async () => {
    const answer = await page.goto('/')
    answers.push(answer)
    expect(fits(answer)).toBe(true)
    await expect(noticeOf(page)).toBeVisible({ timeout: 100 })
  }).toPass()
  return answers
}

test('without the database a visit gets a board that says so and goes live by itself', async ({ page }) => {
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => complaints.push(message.text()))
  await page.goto('/')
  const counted = await page.title()

  using database = freeze(readFaultsStack().database)
  const answers = await visitUntilBoard(page)
  for (const answer of answers) {
    expect(answer?.status()).toBe(503)
    expect(answer?.headers()).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' })
  }
  const notice = noticeOf(page)
  await expect(notice).toContainText(
    /This page view (is not|may have been) counted|This server has not counted this page view/,
  )
  await expect(notice.getByRole('link', { name: 'Visit again' })).toBeVisible()
  await expect(page.getByRole('table', { name: 'Hits per server' }).getByRole('row')).not.toHaveCount(1)
  await expect(connectionStatus(page)).toContainText('No answer from the database since')

  database.thaw()
  await expectLive(page)
  await expect(notice).toBeVisible()
  await notice.getByRole('link', { name: 'Visit again' }).click()
  await expect(notice).toBeHidden()
  await expect(page).not.toHaveTitle(counted)
  expect(complaints.filter(text => !text.includes('503'))).toEqual([])
})

test('a page view that a frozen server received first is reported as possibly counted', async ({ page }) => {
  const counted = await page.goto('/')
  const { replicas } = readFaultsStack()
  const own = replicas.find(({ srv_id }) => srv_id === counted?.headers()['x-srv-id'])
  if (!own) throw new Error('no server of this stack answered the page')

  using _server = freeze(own)
  using _database = freeze(readFaultsStack().database)
  const unanswered = (answer: Response | null) => answer?.headers()['x-earlier-try'] === 'unanswered'
  const answers = await visitUntilBoard(page, unanswered)
  for (const answer of answers) expect(answer?.status()).toBe(503)
  expect(unanswered(answers[0] ?? null)).toBe(true)
  await expect(noticeOf(page)).toContainText(
    'NGINX first tried another server, which did not answer and may have counted it',
  )
})
