import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { databaseDiskFull } from '../list/database.ts'
import { clockJumped, replicaKilled } from '../list/replicas.ts'
import { killedIn, needsSpecialBoard, readComposeLimits, whyNotTried } from './equipment.ts'

const nothing = { replicaClock: null, databaseClock: null, smallDisk: null, memoryLimits: null }
const clock = { variables: {}, jumpTo: () => {} }

test('a fault is not tried if something it needs is missing, and the reason names it', () => {
  assert.equal(whyNotTried(replicaKilled, nothing), null)
  assert.equal(whyNotTried(clockJumped, nothing), 'libfaketime is not installed')
  assert.equal(whyNotTried(clockJumped, { ...nothing, replicaClock: clock }), null)
  assert.equal(
    whyNotTried({ needs: ['replicaClock', 'databaseClock', 'smallDisk'] }, nothing),
    'libfaketime is not installed, and this user may not mount a disk',
  )
})

test('faults that change the whole board run on a separate board', () => {
  assert.deepEqual([replicaKilled, clockJumped, databaseDiskFull].map(needsSpecialBoard), [
    false,
    false,
    true,
  ])
})

const mebibyte = 2 ** 20

test('the memory limits are those of the containers', () => {
  const compose = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docker-compose.yml'), 'utf8')
  const { web, nginx } = readComposeLimits(compose)
  assert.ok(web >= 256 * mebibyte && web <= 1024 * mebibyte, `web: ${web}`)
  assert.ok(nginx >= 128 * mebibyte && nginx <= 1024 * mebibyte, `nginx: ${nginx}`)
})

test('a limit with a variable is read as its default, per service', () => {
  const compose = [
    'services:',
    '  web:',
    '    image: web',
    `    mem_limit: \${WEB_MEMORY:-512m}`,
    '',
    '    deploy: {}',
    '  nginx:',
    '    mem_limit: 1g',
    '',
  ].join('\n')
  assert.deepEqual(readComposeLimits(compose), { web: 512 * mebibyte, nginx: 1024 * mebibyte })
  assert.throws(
    () => readComposeLimits('services:\n  web:\n    image: web\n'),
    /sets no memory limit for web/,
  )
})

test('processes killed for memory are counted in both versions of control groups', () => {
  assert.equal(killedIn('oom_kill_disable 0\nunder_oom 0\noom_kill 2\n'), 2)
  assert.equal(killedIn('low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\noom_group_kill 0\n'), 1)
})
