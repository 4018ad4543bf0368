import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createTestDatabase } from './testing/test-database.ts'

const { DATABASE_URL: _, ...environment } = process.env

async function openDataDir() {
  const folder = await mkdtemp(join(tmpdir(), 'board-studio-'))
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

function startStudio(folder: string, ...options: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'studio.ts'), ...options], {
    env: { ...environment, DATA_DIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  assert(address && typeof address === 'object')
  return address.port
}

/** Asks as Studio's page does, until it answers. */
async function ask(port: number, sql: string, studio: ChildProcess): Promise<unknown> {
  const body = JSON.stringify({ procedure: 'query', query: { sql, parameters: [] } })
  const headers = { 'Content-Type': 'application/json' }
  for (;;) {
    const answer = await fetch(`http://localhost:${port}/bff`, { method: 'POST', headers, body }).catch(
      () => null,
    )
    if (answer?.ok) return answer.json()
    assert.equal(studio.exitCode, null, 'Studio ended')
    await sleep(50)
  }
}

async function failureOf(studio: ChildProcess): Promise<string> {
  assert(studio.stderr)
  const [chunks, [status]] = await Promise.all([
    studio.stderr.setEncoding('utf8').toArray(),
    once(studio, 'exit'),
  ])
  assert.equal(status, 1)
  return z.string().array().parse(chunks).join('')
}

test('shows the database of the stack that keeps its files in DATA_DIR', { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase()
  await using data = await openDataDir()
  await writeFile(join(data.folder, 'stack.json'), JSON.stringify({ databaseUrl: database.url }))
  const port = await freePort()
  const studio = startStudio(data.folder, '--port', String(port), '--browser', 'none')
  try {
    assert.deepEqual(await ask(port, 'SELECT id, value FROM global_counter', studio), [
      null,
      [{ id: 1, value: 0 }],
    ])
  } finally {
    const ended = once(studio, 'exit')
    studio.kill('SIGTERM')
    await ended
  }
})

test('says so where no stack runs', async () => {
  await using data = await openDataDir()
  assert.match(await failureOf(startStudio(data.folder)), /^no stack runs here: .*\n$/)
})

test('says so where the stack has gone and left its file', async () => {
  await using data = await openDataDir()
  const databaseUrl = `mysql://board:secret@127.0.0.1:${await freePort()}/balance_board`
  await writeFile(join(data.folder, 'stack.json'), JSON.stringify({ databaseUrl }))
  assert.match(await failureOf(startStudio(data.folder)), /^cannot reach the database balance_board at .*\n$/)
})
