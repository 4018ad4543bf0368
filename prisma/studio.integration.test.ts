import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { freePorts } from '../tools/lib/ports.ts'
import { eventually, temporaryFolder } from '../tools/lib/testing.ts'
import { withColumns } from './studio.ts'
import { createTestDatabase } from './testing/test-database.ts'

const { DATABASE_URL: _, ...environment } = process.env

function startStudio(folder: string, ...options: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'studio.ts'), ...options], {
    env: { ...environment, DATA_DIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

const ports = freePorts(import.meta.filename)
const freePort = async () => (await ports.next()).value

/** Sends the requests of Studio's page, until it answers. */
async function query(port: number, sql: string, studio: ChildProcess): Promise<unknown> {
  const body = JSON.stringify({ procedure: 'query', query: { sql, parameters: [] } })
  const headers = { 'Content-Type': 'application/json' }
  const answer = await eventually(async () => {
    const response = await fetch(`http://localhost:${port}/bff`, { method: 'POST', headers, body }).catch(
      () => null,
    )
    if (response?.ok) return response
    assert.equal(studio.exitCode, null, 'Studio ended')
    return null
  })
  return answer.json()
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
  await using data = await temporaryFolder()
  await writeFile(join(data.path, 'stack.json'), JSON.stringify({ databaseUrl: database.url }))
  const port = await freePort()
  const studio = startStudio(data.path, '--port', String(port), '--browser', 'none')
  try {
    assert.deepEqual(await query(port, 'SELECT id, value FROM global_counter', studio), [
      null,
      [{ id: 1, value: 0 }],
    ])
  } finally {
    const ended = once(studio, 'exit')
    studio.kill('SIGTERM')
    await ended
  }
})

test('ends when it is stopped before Prisma answers', async () => {
  await using database = await createTestDatabase()
  await using data = await temporaryFolder()
  await writeFile(join(data.path, 'stack.json'), JSON.stringify({ databaseUrl: database.url }))
  const port = await freePort()
  const studio = startStudio(data.path, '--port', String(port), '--browser', 'none')
  const exited = once(studio, 'exit')
  // The proxy listens before Prisma's server is started.
  await eventually(async () => {
    const response = await fetch(`http://localhost:${port}/`).catch(() => null)
    return response || studio.exitCode !== null
  })
  studio.kill('SIGTERM')
  await exited
})

test('says so if no stack runs', async () => {
  await using data = await temporaryFolder()
  assert.match(await failureOf(startStudio(data.path)), /^no stack runs here: .*\n$/)
})

test('says so if the stack is gone but its file is still there', async () => {
  await using data = await temporaryFolder()
  const databaseUrl = `mysql://board:secret@127.0.0.1:${await freePort()}/balance_board`
  await writeFile(join(data.path, 'stack.json'), JSON.stringify({ databaseUrl }))
  assert.match(await failureOf(startStudio(data.path)), /^cannot reach the database balance_board at .*\n$/)
})

test('columns that came as text become a list, and nothing else changes', () => {
  const table = { schema: 'balance_board', name: 'server', type: 'BASE TABLE' }
  const columns = [{ name: 'id', pk: 1 }]
  const fromMariaDb = JSON.stringify([null, [{ ...table, columns: JSON.stringify(columns) }]])
  const fromMySql = JSON.stringify([null, [{ ...table, columns }]])
  assert.deepEqual(JSON.parse(withColumns(fromMariaDb)), JSON.parse(fromMySql))
  assert.equal(withColumns(fromMySql), fromMySql)
})

test('rows of any other answer keep their digits and texts', () => {
  for (const body of [
    '[null,[{"id":9007199254740993}]]',
    '[null,[{"columns":"[1]"}]]',
    '[{"message":"no"}]',
    '',
  ])
    assert.equal(withColumns(body), body)
})
