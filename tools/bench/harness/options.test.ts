import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBenchOptions, parsePageOptions } from './options.ts'

test('the short form measures less of everything', () => {
  const { extent: full } = parseBenchOptions([])
  const { extent: short, json } = parseBenchOptions(['--json', '--short'])
  assert.ok(json)
  assert.ok(short.rounds * short.seconds < full.rounds * full.seconds)
  assert.ok(short.dashboards < full.dashboards && short.targetSeconds < full.targetSeconds)
})

test('an option that there is not is refused', () => {
  assert.throws(() => parseBenchOptions(['--shrot']), /shrot/)
})

test('a minute each, with three servers and with ten, unless told otherwise', () => {
  assert.deepEqual(parsePageOptions([]), { seconds: 60, replicas: [3, 10], json: false })
  assert.deepEqual(parsePageOptions(['--seconds', '5', '--replicas', '2', '--json']), {
    seconds: 5,
    replicas: [2],
    json: true,
  })
})

test('what cannot be measured is refused', () => {
  for (const args of [['--seconds', '0'], ['--seconds', 'long'], ['--replicas', '3,many'], ['--fast']]) {
    assert.throws(() => parsePageOptions(args))
  }
})
