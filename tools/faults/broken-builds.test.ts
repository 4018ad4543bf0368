import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokenBuilds } from './broken-builds.ts'

const root = join(import.meta.dirname, '..', '..')

test('what a broken build changes stands in the sources, once', () => {
  for (const { file, from } of brokenBuilds.flatMap(({ edits }) => edits)) {
    const passages = readFileSync(join(root, file), 'utf8').split(from).length - 1
    assert.equal(passages, 1, `${file}: ${from}`)
  }
})
