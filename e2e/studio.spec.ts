import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { openWitness } from '../prisma/testing/prisma-client.ts'
import { readStackFile } from '../tools/launcher/stack/stack-file.ts'
import { freePorts } from '../tools/lib/ports.ts'

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
  const witness = openWitness(databaseUrl)
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
