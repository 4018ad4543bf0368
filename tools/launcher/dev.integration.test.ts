import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePorts } from '../lib/ports.ts'
import { temporaryFolder } from '../lib/testing.ts'
import { launchDevelopment } from './testing/stub-stack.ts'

test('npm run dev serves the page from the sources, and counts it', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder()
  const { value: port } = await freePorts(`${folder.path}/nginx`).next()
  const { pid, file, exited, output } = await launchDevelopment(folder.path, port)
  try {
    const answer = await fetch(file.url, { headers: { accept: 'text/html' } })
    assert.equal(answer.status, 200, output())
    assert.match(await answer.text(), /<html/)
    assert.ok(Number(answer.headers.get('x-hit')) >= 1)
  } finally {
    process.kill(pid, 'SIGTERM')
    assert.deepEqual(await exited, [0, null], output())
  }
})
