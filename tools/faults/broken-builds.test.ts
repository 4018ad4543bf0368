import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokenBuilds } from './broken-builds.ts'

const root = join(import.meta.dirname, '..', '..')

test('each passage that a broken build replaces occurs exactly once in the sources', () => {
  for (const { file, from } of brokenBuilds.flatMap(({ edits }) => edits)) {
    const passages = readFileSync(join(root, file), 'utf8').split(from).length - 1
    assert.equal(passages, 1, `${file}: ${from}`)
  }
})
