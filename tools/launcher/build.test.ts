import assert from 'node:assert/strict'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../lib/testing.ts'
import { fingerprint } from './build.ts'

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
