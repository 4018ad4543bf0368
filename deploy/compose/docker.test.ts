import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import { docker } from './docker.ts'

test('builds add no record with their time to the image, unless a person wants one', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'docker'), '#!/bin/sh\necho "$BUILDX_NO_DEFAULT_ATTESTATIONS"\n', {
    mode: 0o755,
  })
  const PATH = `${folder.path}:${process.env.PATH}`
  assert.equal(await docker(['compose', 'build'], { environment: { PATH } }), '1\n')
  const wanted = { PATH, BUILDX_NO_DEFAULT_ATTESTATIONS: '0' }
  assert.equal(await docker(['compose', 'build'], { environment: wanted }), '0\n')
})
