import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../lib/testing.ts'

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
