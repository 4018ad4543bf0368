import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { z } from 'zod'
import { openPrismaClient } from '../prisma/testing/prisma-client.ts'
import { readStackFile } from '../tools/launcher/stack/data-dir.ts'
import { freePorts } from '../tools/lib/ports.ts'
import { type Answer, visitMany } from '../tools/lib/visitors.ts'

// Prisma Studio on the database that the launcher starts, as a person opens it.

test.skip(!process.env.STACK_FILE, 'needs the database of a stack on this machine')

async function openStudio(databaseUrl: string) {
  const { value: port } = await freePorts('studio test').next()
  const program = join(import.meta.dirname, '..', 'prisma', 'studio.ts')
  const studio = spawn(process.execPath, [program, '--port', String(port), '--browser', 'none'], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(studio, 'exit')
  const said = await Promise.race([once(studio.stdout, 'data').then(String), exited.then(() => 'it ended')])
  if (!said.includes('Prisma Studio is at')) throw new Error(said)
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      studio.kill('SIGTERM')
      await exited
    },
  }
}

/** Of the log's first row, which stands on Studio's first page. */
async function firstRequestId(databaseUrl: string): Promise<string> {
  const witness = openPrismaClient(databaseUrl)
  try {
    return (await witness.accessLog.findFirstOrThrow({ orderBy: { id: 'asc' } })).requestId
  } finally {
    await witness.$disconnect()
  }
}

test('Studio shows the tables and their rows, and asks nobody else', async ({ page, request }) => {
  await request.get('/')
  const stack = readStackFile(process.env.STACK_FILE ?? '')
  await using studio = await openStudio(stack?.databaseUrl ?? '')
  const elsewhere: string[] = []
  page.on('request', asked => {
    if (!asked.url().startsWith(studio.url) && !/^(data|blob):/.test(asked.url())) elsewhere.push(asked.url())
  })
  await page.goto(studio.url)
  for (const table of ['access_log', 'global_counter', 'server'])
    await expect(page.getByText(table, { exact: true }).first()).toBeVisible({ timeout: 30_000 })
  await page.getByText('access_log', { exact: true }).first().click()
  await expect(page.getByText('request_id').first()).toBeVisible()
  await expect(page.getByText(await firstRequestId(stack?.databaseUrl ?? '')).first()).toBeVisible()
  await expect(page.getByText('Could not load')).toHaveCount(0)
  expect(elsewhere).toEqual([])
})

// What visitors were told, held against the database by somebody else: Prisma Client, and the pids in stack.json.

const stackFile = z.object({
  databaseUrl: z.string(),
  replicas: z.array(z.object({ name: z.string(), pid: z.number().int().positive(), srv_id: z.string() })),
})

test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')

function readStack() {
  return stackFile.parse(JSON.parse(readFileSync(process.env.STACK_FILE ?? '', 'utf8')))
}

/** Every number told stands in the log once, for the request it was told to; counter, highest id and sum of hits agree. */
async function expectTold(answers: Answer[], before: number): Promise<void> {
  const witness = openPrismaClient(readStack().databaseUrl)
  try {
    const rows = await witness.accessLog.findMany({ where: { id: { gt: before } }, orderBy: { id: 'asc' } })
    const counter = Number((await witness.globalCounter.findUniqueOrThrow({ where: { id: 1 } })).value)
    const sum = await witness.server.aggregate({ _sum: { hits: true } })
    const told = answers.flatMap(answer => answer.hit ?? []).toSorted((a, b) => a - b)
    const requests = new Map(answers.map(answer => [answer.hit, answer.requestId]))
    expect(rows.map(row => row.requestId)).toEqual(told.map(hit => requests.get(hit)))
    expect(told).toEqual(rows.map(row => Number(row.id)))
    expect(told).toEqual(Array.from({ length: counter - before }, (_, index) => before + 1 + index))
    expect(Number(sum._sum.hits)).toBe(counter)
    expect(new Set(rows.map(row => row.requestId)).size).toBe(rows.length)
  } finally {
    await witness.$disconnect()
  }
}

async function counterNow(): Promise<number> {
  const witness = openPrismaClient(readStack().databaseUrl)
  try {
    return Number((await witness.globalCounter.findUniqueOrThrow({ where: { id: 1 } })).value)
  } finally {
    await witness.$disconnect()
  }
}

test('the page, the log and the database agree on a visit', async ({ request }) => {
  const answer = await request.get('/', { headers: { Accept: 'application/json' } })
  const visit = z
    .looseObject({ hit: z.number(), srv_id: z.string(), at: z.string() })
    .parse(await answer.json())
  const witness = openPrismaClient(readStack().databaseUrl)
  const row = await witness.accessLog.findUniqueOrThrow({ where: { id: visit.hit } })
  await witness.$disconnect()
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
  await expectTold(answers, before)
  expect(await (await request.get('/api/audit')).json()).toMatchObject({ consistent: true })
})

test('a replica killed under load fails no page view and counts none twice', async ({ baseURL, request }) => {
  const before = await counterNow()
  const [victim] = readStack().replicas
  const load = visitMany(`${baseURL}/`, { connections: 16, forMs: 6000, keepCookies: true })
  await expect.poll(counterNow, { intervals: [100] }).toBeGreaterThan(before + 200)
  process.kill(victim?.pid ?? Number.NaN, 'SIGKILL')
  const answers = await load
  expect(answers.filter(answer => answer.status !== 200)).toEqual([])
  await expectTold(answers, before)
  // It comes back at its address, and serves again.
  await expect.poll(() => readStack().replicas[0]?.pid, { timeout: 30_000 }).not.toBe(victim?.pid)
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

test('a hit reaches an open stream within a second, from whichever replica', async ({ baseURL }) => {
  const stream = await fetch(`${baseURL}/api/live`)
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const readUntil = async (wanted: string) => {
    while (!text.includes(wanted)) {
      const part = await reader?.read()
      if (!part || part.done) throw new Error('the stream ended')
      text += part.value
    }
  }
  await readUntil('event: snapshot')
  for (let visit = 0; visit < 6; visit++) {
    const [answer] = await visitMany(`${baseURL}/`, { connections: 1, pageViews: 1 })
    const answeredAt = performance.now()
    await readUntil(`"id":${answer?.hit},`)
    test.info().annotations.push({
      type: 'ms until the stream told it',
      description: String(Math.round(performance.now() - answeredAt)),
    })
  }
  await reader?.cancel()
})
