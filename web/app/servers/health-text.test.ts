import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainFormats } from '../ui/formats.ts'
import { errorCodesText, latencyText, megabytes } from './health-text.ts'

test('latencies have one decimal under 10, and a dash where nothing was served', () => {
  assert.equal(latencyText(2.14, 94.4, plainFormats), '2.1 / 94')
  assert.equal(latencyText(null, null, plainFormats), '–')
})

test('memory is in whole megabytes', () => {
  assert.equal(megabytes(104_857_600), 105)
})

test('errors by code are told the most first, and nothing where there are none', () => {
  assert.equal(
    errorCodesText({ outcome_unknown: 1, overloaded: 3 }, plainFormats),
    '3 overloaded, 1 outcome_unknown',
  )
  assert.equal(errorCodesText({}, plainFormats), '')
})
