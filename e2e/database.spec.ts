import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { z } from 'zod'
import { freePorts } from '../tools/lib/ports.ts'
import { type Answer, visitMany } from '../tools/lib/visitors.ts'
import { faultsBoard, readFaultsStack, withPrismaClient } from './support/board-control.ts'

// Prisma Studio, and answers compared with the database by an independent client.

test.skip(!process.env.FAULTS_STACK_FILE, 'needs the database of a stack on this machine')
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
