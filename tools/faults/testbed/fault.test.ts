import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allFaults } from '../list/all.ts'
import { nginxWorkerKilled } from '../list/nginx.ts'
import { allButOneKilled, clockJumped, replicaFrozen, replicaKilled } from '../list/replicas.ts'
import { combine, randomPairs } from './fault.ts'
import { seededRandom } from './testbed.ts'

test('the same seed gives the same pairs, another seed gives others', () => {
  const titles = (seed: number) => randomPairs(allFaults, 8, seededRandom(seed)).map(({ title }) => title)
  assert.deepEqual(titles(7), titles(7))
  assert.notDeepEqual(titles(7), titles(8))
})

test('a pair has two different faults and allows what either allows', () => {
  for (const { name, allows = [] } of randomPairs(allFaults, 200, seededRandom(1))) {
    const both = name.split('+').map(one => allFaults.find(fault => fault.name === one))
    assert.equal(new Set(both).size, 2)
    const either = both.flatMap(fault => fault?.allows ?? [])
    if (!allows.includes('no-replica')) assert.deepEqual(new Set(allows), new Set(either))
  }
})

test('only a pair that can make every replica unavailable allows a missing replica', () => {
  const random = seededRandom(1)
  assert.deepEqual(combine(allButOneKilled, replicaFrozen, random).allows, ['no-replica', 'unavailable'])
  assert.deepEqual(combine(replicaKilled, replicaFrozen, random).allows, [])
})

test('a pair needs what either fault needs, and makes only the promises of all faults', () => {
  const { needs, check } = combine(clockJumped, nginxWorkerKilled, seededRandom(1))
  assert.deepEqual([needs, check], [['replicaClock'], undefined])
})
