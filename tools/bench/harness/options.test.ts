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

test('an unknown option is refused', () => {
  assert.throws(() => parseBenchOptions(['--shrot']), /shrot/)
})

test('the defaults are a minute each, with three servers and with ten', () => {
  assert.deepEqual(parsePageOptions([]), { seconds: 60, replicas: [3, 10], json: false })
  assert.deepEqual(parsePageOptions(['--seconds', '5', '--replicas', '2', '--json']), {
    seconds: 5,
    replicas: [2],
    json: true,
  })
})

test('an invalid option is refused', () => {
  for (const args of [['--seconds', '0'], ['--seconds', 'long'], ['--replicas', '3,many'], ['--fast']]) {
    assert.throws(() => parsePageOptions(args))
  }
})
