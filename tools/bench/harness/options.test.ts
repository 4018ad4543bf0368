import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from './options.ts'

test('the short form measures less of everything', () => {
  const { extent: full } = parseOptions([])
  const { extent: short, json } = parseOptions(['--json', '--short'])
  assert.ok(json)
  assert.ok(short.rounds * short.seconds < full.rounds * full.seconds)
  assert.ok(short.dashboards < full.dashboards && short.targetSeconds < full.targetSeconds)
})

test('an option that there is not is refused', () => {
  assert.throws(() => parseOptions(['--shrot']), /shrot/)
})
