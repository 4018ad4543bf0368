// The database as configured with Docker: what stays in it, backups, accounts, its health check, its limits, and Prisma Studio on it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { freePorts } from '../../tools/lib/ports.ts'
import { statementsRefusedToReplicas, temporaryFolder } from '../../tools/lib/testing.ts'
import { visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { applyAccounts, openDatabasePort } from './database.ts'
import { compose, docker, readInReplica, runningReplicas } from './docker.ts'
import {
  baseUrl,
  countServersUp,
  expectLogged,
  failuresOf,
  readAudit,
  settle,
  sqlAsRoot,
  visitWhile,
} from './testing/board.ts'

test('down and up again keeps the count and the log', async () => {
  await settle(3)
  const { counter: before } = await readAudit()
  const answers = await visitMany(`${baseUrl}/`, { connections: 4, pageViews: 100 })
  assert.deepEqual(failuresOf(answers), [])
  await compose('down')
  await compose('up', '--detach')
  await settle(3)
  await expectLogged(answers, before)
  assert.equal((await readAudit()).counter, before + 100)
})

/**
 * Runs a command of tools/launcher on the stack with Docker, and ends it when `ends` resolves. `printed` is all that it printed.
 */
async function launcherCommand(file: string, words: string[] = [], ends?: Promise<void>) {
  const command = spawn(process.execPath, [`${import.meta.dirname}/../../tools/launcher/${file}`, ...words], {
    // What the address of that stack looks like is nothing that the command needs.
    env: { ...process.env, DATA_DIR: `${import.meta.dirname}/no-stack-here`, HTTP_PORT: '127.0.0.1:1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  void ends?.then(() => command.kill('SIGTERM'))
  const [[status], printed, refused] = await Promise.all([
    once(command, 'close'),
    text(command.stdout),
    text(command.stderr),
  ])
  return { status, printed: printed + refused }
}

test('npm run audit prints the figures of the stack with Docker', async () => {
  await settle(3)
  const { counter } = await readAudit()
  const { status, printed } = await launcherCommand('audit.ts')
  assert.equal(status, 0, printed)
  assert.match(printed, new RegExp(`^counter ${counter} = .*\\nconsistent: `))
  const [replica] = await runningReplicas()
  assert.ok(replica)
  await assert.rejects(readInReplica(replica, '/nowhere'), {
    message: `the server in ${replica.name} gives no usable answer: status 404`,
  })
})

test('a backup under load, restored into a new database, has every number up to its counter, and the audit agrees', async () => {
  await settle(3)
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'board.sql.gz')
  const words = (command: string, ...options: string[]) => [command, file, ...options]
  const { counter: before } = await readAudit()
  let saved = { status: 0, printed: '' }
  const visits = await visitWhile(async () => {
    saved = await launcherCommand('backup.ts', words('backup'))
  })
  assert.equal(saved.status, 0, saved.printed)
  await expectLogged(visits.all, before)
  assert.deepEqual(await readdir(folder.path), ['board.sql.gz'])
  const counter = Number(/the counter is at (\d+)\n$/.exec(saved.printed)?.[1])
  assert.ok(counter >= before, saved.printed)

  const refused = await launcherCommand('backup.ts', words('restore'))
  assert.equal(refused.status, 1)
  assert.match(refused.printed, /^Balance Board: the board has counted \d+ page views: .*--replace.*\n$/)

  // An empty database, as on another machine.
  await compose('down')
  await docker(['volume', 'rm', `${process.env.COMPOSE_PROJECT_NAME}_database`])
  await compose('up', '--detach')
  await settle(3)
  assert.equal((await readAudit()).counter, 0)
  const restored = await launcherCommand('backup.ts', words('restore'))
  assert.equal(restored.status, 0, restored.printed)
  assert.match(
    restored.printed,
    new RegExp(`^restored: the counter is at ${counter}, .*\\ncounter ${counter} = .*\\nconsistent: `),
  )
  assert.equal(
    await sqlAsRoot('SELECT MAX(id) - MIN(id) + 1 - COUNT(*), MAX(id) FROM balance_board.access_log'),
    `0\t${counter}\n`,
  )
  // Servers that are not in the backup have begun other rows then.
  await settle(3)
  assert.equal(await countOne(), counter + 1)
})

test('a restore that is interrupted ends in one sentence, and leaves the board and no table', async () => {
  await settle(3)
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'board.sql')
  assert.equal((await launcherCommand('backup.ts', ['backup', file])).status, 0)
  const { counter } = await readAudit()
  const running = (statement: string) =>
    sqlAsRoot(`SELECT id FROM information_schema.processlist WHERE info LIKE '${statement}%'`)
  // Once the restore has loaded the dump, it waits for this reader.
  const reading = sqlAsRoot(
    'START TRANSACTION; SELECT COUNT(*) FROM balance_board.server; DO SLEEP(300)',
  ).catch(() => '')
  try {
    const waits = waitUntil('the restore waits for the tables', 120_000, async () => {
      return (await running('RENAME')) !== ''
    })
    const words = ['restore', file, '--replace']
    const { status, printed } = await launcherCommand('backup.ts', words, waits)
    await waits
    assert.equal(status, 1, printed)
    assert.match(printed, /^Balance Board: ended early, by SIGTERM\n$/)
    assert.equal(await sqlAsRoot(`SHOW TABLES FROM balance_board LIKE '%restore%'`), '')
  } finally {
    const id = (await running('DO SLEEP')).trim()
    if (id) await sqlAsRoot(`KILL ${id}`)
    await reading
  }
  assert.equal((await readAudit()).counter, counter)
})

const runOnce = ['compose', 'run', '--rm', '--no-deps', '-T']

test('another password than the database was made with is refused, and the message says what to do', async () => {
  await assert.rejects(docker([...runOnce, 'secrets'], { environment: { DATABASE_PASSWORD: 'another' } }), {
    message: /DATABASE_PASSWORD is not the password that the database was made with/,
  })
})

for (const [service, command] of [
  ['web', 'the replica'],
  ['migrate', 'the migration'],
]) {
  test(`without the file of the password ${command} says which file is missing`, async () => {
    const environment = ['--env', 'DATABASE_PASSWORD_FILE=/run/secrets/missing']
    await assert.rejects(docker([...runOnce, ...environment, service ?? '']), {
      message: /(DATABASE_PASSWORD_FILE|\/run\/secrets\/missing)/,
    })
  })
}

test('nothing but NGINX is published', async () => {
  const containers = await docker(['compose', 'ps', '--format', 'json'])
  const published = containers
    .split('\n')
    .filter(line => /"PublishedPort":[1-9]/.test(line))
    .map(line => /"Service":"(\w+)"/.exec(line)?.[1])
  assert.deepEqual(new Set(published), new Set(['nginx']))
})

async function countOne(): Promise<number> {
  const [answer] = await visitMany(`${baseUrl}/`, { connections: 1, pageViews: 1 })
  assert.equal(answer?.status, 200)
  return answer?.hit ?? 0
}

test('a replica and a migration see their own password alone, and no root', async () => {
  await settle(3)
  const list = 'ls /run/secrets && cat /run/secrets/*'
  const replica = await compose('exec', '-T', 'web', 'sh', '-c', list)
  const migration = await docker([...runOnce, 'migrate', 'sh', '-c', list])
  assert.deepEqual(replica.split('\n').slice(0, 2), ['admin-token', 'database-password'])
  assert.equal(migration.split('\n')[0], 'database-password')
  assert.notEqual(replica, migration)
  assert.match(
    await sqlAsRoot('SHOW GRANTS FOR board_replica'),
    /^GRANT USAGE ON .*\nGRANT SELECT, INSERT, UPDATE, DELETE ON `balance_board`\.\* TO `board_replica`@`%`\n$/,
  )
})

test("a replica's account changes no table, account or setting, and reads no other database", async () => {
  await settle(3)
  const password = 'MYSQL_PWD="$(cat /run/secrets/replica-password)"'
  for (const statement of statementsRefusedToReplicas('%')) {
    const client = `${password} mysql --user board_replica balance_board --execute "${statement}"`
    await assert.rejects(compose('exec', '-T', 'mysql', 'sh', '-c', client), /denied/, statement)
  }
})

test('when the servers get another password, those that run go on with theirs until the next time', async () => {
  await settle(3)
  const before = await countOne()
  const read = () => compose('exec', '-T', 'mysql', 'cat', '/run/secrets/replica-password')
  const signIn = (password: string) =>
    compose(
      'exec',
      '-T',
      '-e',
      `MYSQL_PWD=${password}`,
      'mysql',
      'mysql',
      '-u',
      'board_replica',
      '-e',
      'DO 1',
    )
  const first = await read()
  await docker([...runOnce, 'secrets', 'rm', '/run/secrets/replica-password'])
  await applyAccounts({ compose })
  const second = await read()
  assert.notEqual(second, first)
  for (const password of [first, second]) await signIn(password)
  // Connections that are unused for a while are closed, so these sign in again.
  assert.equal(await countOne(), before + 1)
  await applyAccounts({ compose })
  assert.equal(await read(), second)
  await assert.rejects(signIn(first), /denied/)
  await compose('up', '--detach', '--no-deps', '--force-recreate', 'web')
  await settle(3)
  await countOne()
})

test('when the volumes of the secrets are lost, a start makes new passwords, keeps the data and says so', async () => {
  await settle(3)
  const before = await countOne()
  await compose('down')
  const names = ['secrets', 'migration-secrets', 'replica-secrets']
  await docker(['volume', 'rm', ...names.map(name => `${process.env.COMPOSE_PROJECT_NAME}_${name}`)])
  await compose('up', '--detach', '--wait')
  assert.match(await compose('logs', 'secrets'), /held no passwords: new ones are made/)
  assert.equal(await countOne(), before + 1)
})

test('data of a release with one account for everything gets the others at the next start', async () => {
  await settle(3)
  const before = await countOne()
  const project = process.env.COMPOSE_PROJECT_NAME
  // As that release left it: one password, root's too, and nothing else in the volume.
  await sqlAsRoot(`DROP USER board_replica; DROP USER 'board_health'@'127.0.0.1'`)
  await sqlAsRoot(
    `$(grep "^ALTER USER 'board'@'%' IDENTIFIED" /run/secrets/accounts.sql | sed "s/'board'@'%'/root@localhost/")`,
  )
  await compose('down')
  await docker(['volume', 'rm', `${project}_migration-secrets`, `${project}_replica-secrets`])
  const removeOthers = 'cd /run/secrets && ls | grep -vx database-password | xargs rm -f'
  await docker([...runOnce, 'secrets', 'sh', '-c', removeOthers])
  await compose('up', '--detach', '--wait')
  assert.equal(await countOne(), before + 1)
  assert.match(await sqlAsRoot('SELECT user FROM mysql.user'), /^board_replica$/m)
})

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
