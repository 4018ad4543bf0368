import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../../../tools/lib/ports.ts'
import { temporaryFolder } from '../../../tools/lib/testing.ts'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { highestNumber } from '../db/page-view-numbers.ts'

/** Replaces Next's thread of a built replica: every answer is the request's policy, so it has the nonce of a page. */
const nextThread = `
import { parentPort } from 'node:worker_threads'
parentPort.on('message', ({ id, request: { url, headers } }) => {
  const status = url === '/_not-found' ? 404 : 200
  const body = Buffer.from(headers['content-security-policy'])
  parentPort.postMessage({ kind: 'answer', id, answer: { status, headers: {}, body } })
})
parentPort.postMessage({ kind: 'started' })
`

/** Starts a replica in a separate process, which ends with the start. @returns why it did not start; empty if it did */
async function startFailure(databaseUrl: string): Promise<string> {
  await using folder = await temporaryFolder()
  const dir = folder.path
  await mkdir(join(dir, '.next/static'), { recursive: true })
  await writeFile(join(dir, '.next/app-path-routes-manifest.json'), '{}')
  await writeFile(join(dir, 'next-thread.mjs'), nextThread)
  const fromHere = (file: string) => JSON.stringify(import.meta.resolve(file))
  await writeFile(
    join(dir, 'start.mjs'),
    `const { parseEnvironment } = await import(${fromHere('../config.ts')})
    const { startReplica } = await import(${fromHere('./replica.ts')})
    const failure = await startReplica(parseEnvironment(process.env), ${JSON.stringify(dir)}).catch(error => error)
    console.log(failure instanceof Error ? failure.message : '')
    process.exit()`,
  )
  const { value: port } = await freePorts(dir).next()
  const env = { NODE_ENV: 'production', DATABASE_URL: databaseUrl, PORT: String(port) } as const
  const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'start.mjs')], { env })
  return stdout.trim()
}

test('a replica does not start on a counter that is too high to be shown', async () => {
  await using database = await openPooledDatabase()
  await database.pools.write.query('UPDATE global_counter SET value = ?', [highestNumber + 1])
  assert.match(await startFailure(database.url), /^the database: its counter stands at 9007199254740992, /)
})
