import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSample, serialiseSample } from './page-sample.ts'

test('a sample survives storage unchanged, with compressed bytes', () => {
  const sample = {
    headers: [['Content-Type', 'text/html'] satisfies [string, string]],
    body: Buffer.from([0, 31, 139, 255]),
  }
  assert.deepEqual(parseSample(serialiseSample(sample)), sample)
})
