import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '../../web/server/errors.ts'
import { brokenBuilds } from './broken-builds.ts'
import { allFaults } from './list/all.ts'
import { readOptions } from './options.ts'

const seed = () => 42
const names = (parameters: string[]) => readOptions(parameters, seed).faults.map(({ name }) => name)

test('without options every fault runs, then pairs of faults, with a random seed', () => {
  const { faults, pairs, seed: chosen, broken } = readOptions([], seed)
  assert.deepEqual([faults, chosen, broken], [allFaults, 42, null])
  assert.ok(pairs > 0)
})

test('named faults run alone, in the given order', () => {
  assert.deepEqual(names(['--only', 'nginx-killed', '--only', 'replica-killed']), [
    'nginx-killed',
    'replica-killed',
  ])
  assert.equal(readOptions(['--only', 'nginx-killed'], seed).pairs, 0)
})

test('a broken build runs against the faults that should detect it', () => {
  assert.deepEqual(names(['--broken', 'blind-retry']), ['replica-frozen-in-batch', 'connection-cut'])
})

test('an unknown name is refused, and the message lists the valid ones', () => {
  assert.throws(
    () => names(['--only', 'x']),
    (error: Error) => error instanceof UserError && error.message.includes('nginx-killed'),
  )
  for (const wrong of [['--seed', '-1'], ['--broken', 'x'], ['--what'], ['x']])
    assert.throws(() => names(wrong), UserError)
})

const root = join(import.meta.dirname, '..', '..')

test('each passage that a broken build replaces occurs exactly once in the sources', () => {
  for (const { file, from } of brokenBuilds.flatMap(({ edits }) => edits)) {
    const passages = readFileSync(join(root, file), 'utf8').split(from).length - 1
    assert.equal(passages, 1, `${file}: ${from}`)
  }
})
