import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from './page-options.ts'

test('a minute each, with three servers and with ten, unless told otherwise', () => {
  assert.deepEqual(parseOptions([]), { seconds: 60, replicas: [3, 10], json: false })
  assert.deepEqual(parseOptions(['--seconds', '5', '--replicas', '2', '--json']), {
    seconds: 5,
    replicas: [2],
    json: true,
  })
})

test('what cannot be measured is refused', () => {
  for (const args of [['--seconds', '0'], ['--seconds', 'long'], ['--replicas', '3,many'], ['--fast']]) {
    assert.throws(() => parseOptions(args))
  }
})
