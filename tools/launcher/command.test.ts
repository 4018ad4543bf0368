import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../lib/testing.ts'
import { auditText } from './audit.ts'
import { confirm, removeCount } from './reset.ts'
import { fingerprint } from './stack/build.ts'
import { lockDataDir } from './stack/data-dir.ts'

const fromHere = (file: string) => JSON.stringify(import.meta.resolve(`./${file}`))

/** Runs Node. Resolves with its exit status and its standard error. */
function run(args: string[], environment: Record<string, string> = {}) {
  return new Promise<{ status: unknown; said: string }>(resolve => {
    execFile(process.execPath, args, { env: { ...process.env, ...environment } }, (error, _stdout, stderr) =>
      resolve({ status: error?.code ?? 0, said: stderr }),
    )
  })
}

// Nothing listens on port 1.
const nowhere = 'mysql://board:secret@127.0.0.1:1/balance_board'

test('an unreachable database is reported in one sentence, without password and stack trace', async () => {
  const script = `
    const { saySentences } = await import(${fromHere('../lib/terminal.ts')})
    const { migrate } = await import(${fromHere('../../prisma/migrate.ts')})
    await saySentences(async () => void (await migrate('${nowhere}', { patience: 0 })))`
  assert.deepEqual(await run(['--input-type=module', '-e', script]), {
    status: 1,
    said: 'Balance Board: cannot reach the database balance_board at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n',
  })
})

const replica = { name: 'web-1', pid: 1, address: '127.0.0.1:1', srv_id: 'a'.repeat(32) }
const stack = {
  url: 'http://127.0.0.1:1',
  databaseUrl: nowhere,
  nginx: { pid: 1 },
  database: { pid: 1 },
  replicas: [replica],
}

for (const command of [['drain.ts', 'drain', 'web-1'], ['audit.ts']]) {
  test(`${command[0]} reports in one sentence that the stack does not answer`, async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'stack.json'), JSON.stringify(stack))
    const [file = '', ...rest] = command
    const { status, said } = await run([join(import.meta.dirname, file), ...rest], { DATA_DIR: folder.path })
    assert.equal(status, 1)
    assert.match(said, /^Balance Board: .*(ECONNREFUSED|fetch failed).*\n$/)
  })
}

test('the monitoring refuses a Prometheus that does not know the rules, and starts nothing', async () => {
  await using folder = await temporaryFolder()
  const running = {
    ...stack,
    nginx: { pid: process.pid },
    monitoring: {
      nginx_log_exporter: '127.0.0.1:1',
      nginx_status_exporter: '127.0.0.1:1',
      nginx_status: 'http://127.0.0.1:1/',
    },
  }
  await writeFile(join(folder.path, 'stack.json'), JSON.stringify(running))
  for (const name of ['prometheus', 'prometheus-alertmanager'])
    await writeFile(
      join(folder.path, name),
      `#!/bin/sh\necho "$0 $*" >>'${folder.path}/started'\necho "prometheus, version $VERSION+ds (branch: debian/sid)" >&2\n`,
      { mode: 0o755 },
    )
  const start = (VERSION: string) =>
    run([join(import.meta.dirname, 'monitoring.ts')], {
      VERSION,
      DATA_DIR: folder.path,
      PATH: `${folder.path}:${process.env.PATH}`,
    })
  for (const version of ['2.31.2', '2.9.0', '1.8.2']) {
    const { status, said } = await start(version)
    assert.equal(status, 1)
    assert.equal(
      said,
      `Balance Board: Prometheus 2.42 or later is needed, this is ${version}: ${folder.path}/prometheus. Put a newer one before it on PATH\n`,
    )
  }
  const asked = `${folder.path}/prometheus --version\n`
  assert.equal(readFileSync(join(folder.path, 'started'), 'utf8'), asked.repeat(3))
})

test('numbers that agree are an equation', () => {
  const audit = { counter: 12, max_id: 12, rows: 10, purged: 2, sum_hits: 12, consistent: true }
  assert.equal(
    auditText(audit),
    'counter 12 = highest id 12 = rows 10 + purged 2 = hits of all servers 12\n' +
      'consistent: nothing lost, nothing counted twice',
  )
})

test('a number that differs is marked', () => {
  const audit = { counter: 12, max_id: 12, rows: 9, purged: 2, sum_hits: 13, consistent: false }
  assert.equal(
    auditText(audit),
    'counter 12 = highest id 12 ≠ rows 9 + purged 2 ≠ hits of all servers 13\nNOT consistent',
  )
})

test('an empty log has no highest id to agree', () => {
  const audit = { counter: 12, max_id: 0, rows: 0, purged: 12, sum_hits: 12, consistent: true }
  assert.match(auditText(audit), /^counter 12 = rows 0 \+ purged 12 = hits of all servers 12\nconsistent/)
})

const questions = ['Sure?', 'Really?']

function person(...answers: boolean[]) {
  const asked: string[] = []
  const prompt = async (question: string) => {
    asked.push(question)
    return answers.shift() ?? false
  }
  return { asked, prompt }
}

test('every question needs a yes', async () => {
  const { asked, prompt } = person(true, true)
  assert.equal(await confirm(questions, 0, prompt), true)
  assert.deepEqual(asked, questions)
})

test('after a no there is no further question', async () => {
  const { asked, prompt } = person(false, true)
  assert.equal(await confirm(questions, 0, prompt), false)
  assert.deepEqual(asked, ['Sure?'])
})

test('a yes on the command line answers one question', async () => {
  const { asked, prompt } = person(true)
  assert.equal(await confirm(questions, 1, prompt), true)
  assert.deepEqual(asked, ['Really?'])
  assert.equal(await confirm(questions, 2, person().prompt), true)
  assert.equal(await confirm(questions, 1, person().prompt), false)
})

const agreed = async () => true
const silent = () => {}

async function folderWithCount() {
  const folder = await temporaryFolder()
  const database = join(folder.path, 'database')
  mkdirSync(join(database, 'files'), { recursive: true })
  writeFileSync(join(database, 'made-by'), 'MariaDB 10.11.19\n')
  return { ...folder, database }
}

test('the database is removed only after confirmation', async () => {
  await using folder = await folderWithCount()
  assert.equal(await removeCount(folder.path, async () => false, silent), false)
  assert.ok(existsSync(folder.database))
  assert.equal(await removeCount(folder.path, agreed, silent), true)
  assert.ok(!existsSync(folder.database))
})

test('a reset is refused while a board runs', async () => {
  await using folder = await folderWithCount()
  const { lock } = await lockDataDir(folder.path)
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /already running/ })
  lock.release()
  assert.ok(existsSync(folder.database))
})

test('a folder that is not a board’s database is left alone', async () => {
  await using folder = await temporaryFolder()
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /^there is no count in / })
  const database = join(folder.path, 'database')
  mkdirSync(database)
  writeFileSync(join(database, 'ibdata1'), '')
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /was not made by a board/ })
  assert.ok(existsSync(join(database, 'ibdata1')))
})

function write(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

test('a source that is changed, added, renamed or removed changes the fingerprint', async () => {
  await using folder = await temporaryFolder()
  const root = folder.path
  const seen = new Set<string>()
  const look = async () => seen.add(await fingerprint(root))
  write(root, 'web/server/replica/main.ts', 'one')
  await look()
  write(root, 'web/server/replica/main.ts', 'two')
  await look()
  write(root, 'web/app/page.tsx', '')
  await look()
  rmSync(join(root, 'web/app/page.tsx'))
  write(root, 'web/app/layout.tsx', '')
  await look()
  write(root, 'prisma/migrations/1_first/migration.sql', '')
  await look()
  write(root, 'next.config.ts', '')
  await look()
  assert.equal(seen.size, 6)
})

test('file times, tests and the build’s output do not change the fingerprint', async () => {
  await using folder = await temporaryFolder()
  const root = folder.path
  write(root, 'web/server/replica/main.ts', 'one')
  const before = await fingerprint(root)
  utimesSync(join(root, 'web/server/replica/main.ts'), 1, 1)
  write(root, 'web/server/hits/queue.test.ts', 'a test')
  write(root, 'web/testing/fake.ts', 'what a test needs')
  write(root, 'web/.next/BUILD_ID', 'x')
  write(root, 'web/next-env.d.ts', 'x')
  write(root, 'prisma/client/client.ts', 'x')
  write(root, 'tools/launcher/start.ts', 'x')
  assert.equal(await fingerprint(root), before)
})
