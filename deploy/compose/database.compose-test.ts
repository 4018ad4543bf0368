// MySQL as configured with Docker: its health check, its limits, and Prisma Studio on it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { freePorts } from '../../tools/lib/ports.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { openDatabasePort } from './database.ts'
import { compose, docker } from './docker.ts'
import { baseUrl, countServersUp, settle, sqlAsRoot } from './testing/board.ts'

const healthLog = z.array(z.looseObject({ Start: z.coerce.date(), ExitCode: z.number() }))

async function containerOfMysql(): Promise<string> {
  return (await compose('ps', '--quiet', 'mysql')).trim()
}

/** What the next `count` health checks that begin from now on find. */
async function nextChecks(count: number): Promise<number[]> {
  const container = await containerOfMysql()
  const from = new Date()
  let found: number[] = []
  await waitUntil(`${count} more health checks`, 60_000, async () => {
    const log = await docker(['inspect', '--format', '{{json .State.Health.Log}}', container])
    const since = healthLog.parse(JSON.parse(log)).filter(({ Start }) => Start > from)
    found = since.map(({ ExitCode }) => ExitCode)
    return found.length >= count
  })
  return found
}

async function untilHealthIs(state: string): Promise<void> {
  const container = await containerOfMysql()
  await waitUntil(`MySQL is ${state}`, 60_000, async () => {
    return (await docker(['inspect', '--format', '{{.State.Health.Status}}', container])).trim() === state
  })
}

test('the health check of MySQL leaves no aborted login, no warning and no line in the log', async () => {
  await settle(3)
  const aborted = () => sqlAsRoot(`SHOW GLOBAL STATUS LIKE 'Aborted_connects'`)
  const [before, logBefore] = [await aborted(), await compose('logs', 'mysql')]
  assert.deepEqual(new Set(await nextChecks(4)), new Set([0]))
  assert.deepEqual([await aborted(), await compose('logs', 'mysql')], [before, logBefore])
})

test('a MySQL that is frozen becomes unhealthy, and healthy again when it goes on', async () => {
  await settle(3)
  const signal = (name: string) =>
    compose('exec', '-T', 'mysql', 'sh', '-c', `kill -${name} "$(cat /run/mysqld/mysqld.pid)"`)
  await signal('STOP')
  try {
    await untilHealthIs('unhealthy')
  } finally {
    await signal('CONT')
  }
  await untilHealthIs('healthy')
  await waitUntil('three servers are up', 60_000, async () => (await countServersUp()) === 3)
})

async function openAndAsk(url: string, opened: mysql.Connection[]): Promise<void> {
  const connection = await mysql.createConnection(url)
  connection.on('error', () => {})
  opened.push(connection)
  await connection.query('SELECT COUNT(*) FROM server')
}

test('when every connection that an account may have is open, MySQL still answers its health check', async t => {
  await settle(3)
  const port = await openDatabasePort()
  assert.ok(port)
  const opened: mysql.Connection[] = []
  try {
    const replica = new URL(port.url)
    replica.username = 'board_replica'
    replica.password = await compose('exec', '-T', 'mysql', 'cat', '/run/secrets/replica-password')
    for (const url of [replica.href, port.url]) {
      await waitUntil('no more connections are let in', 120_000, async () => {
        const attempts = Array.from({ length: 20 }, () => openAndAsk(url, opened))
        const outcomes = await Promise.allSettled(attempts)
        return outcomes.some(
          outcome => outcome.status === 'rejected' && /max_user_connections/.test(String(outcome.reason)),
        )
      })
    }
    const connected = Number((await sqlAsRoot(`SHOW GLOBAL STATUS LIKE 'Threads_connected'`)).split('\t')[1])
    assert.ok(connected >= 315, `${connected} connections are open`)
    assert.deepEqual(new Set(await nextChecks(3)), new Set([0]))
    t.diagnostic(
      (
        await docker([
          'stats',
          '--no-stream',
          '--format',
          '{{.MemUsage}}, {{.PIDs}} processes and threads',
          await containerOfMysql(),
        ])
      ).trim(),
    )
  } finally {
    for (const connection of opened) connection.destroy()
    await port.close()
  }
})

test('Prisma Studio opens on it, whatever its password, and leaves no port open', async () => {
  await settle(3)
  const port = (await freePorts(`${baseUrl} studio`).next()).value
  const { DATABASE_URL: _, NODE_TEST_CONTEXT: __, ...environment } = process.env
  const studio = spawn(
    process.execPath,
    [`${import.meta.dirname}/../../tools/launcher/studio.ts`, '--port', String(port), '--browser', 'none'],
    {
      env: { ...environment, DATA_DIR: join(tmpdir(), 'no-board-runs-here') },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const ended = once(studio, 'exit')
  try {
    const query = { sql: 'SELECT COUNT(*) AS ids FROM global_counter', parameters: [] }
    await waitUntil('Studio answers', 60_000, async () => {
      assert.equal(studio.exitCode, null, 'Studio ended')
      const answer = await fetch(`http://localhost:${port}/bff`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ procedure: 'query', query }),
      })
      return answer.ok && JSON.stringify(await answer.json()) === '[null,[{"ids":1}]]'
    })
  } finally {
    studio.kill('SIGTERM')
    await ended
  }
  const running = await docker([
    'compose',
    '-f',
    'docker-compose.yml',
    '-f',
    'deploy/compose/studio.yml',
    'ps',
    '--services',
  ])
  assert.doesNotMatch(running, /database-port/)
})
