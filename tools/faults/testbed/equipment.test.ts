import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockJumped } from '../list/clock-jumped.ts'
import { databaseDiskFull } from '../list/database-disk-full.ts'
import { replicaKilled } from '../list/replica-killed.ts'
import { needsSpecialBoard, whyNotTried } from './equipment.ts'

const nothing = { replicaClock: null, databaseClock: null, smallDisk: null, memoryLimits: null }
const clock = { variables: {}, jumpTo: () => {} }

test('a fault is not tried where what it needs is missing, and the reason says what', () => {
  assert.equal(whyNotTried(replicaKilled, nothing), null)
  assert.equal(whyNotTried(clockJumped, nothing), 'libfaketime is not installed')
  assert.equal(whyNotTried(clockJumped, { ...nothing, replicaClock: clock }), null)
  assert.equal(
    whyNotTried({ needs: ['replicaClock', 'databaseClock', 'smallDisk'] }, nothing),
    'libfaketime is not installed, and this user may not mount a disk',
  )
})

test('what changes the whole board is tried on a board that has it', () => {
  assert.deepEqual([replicaKilled, clockJumped, databaseDiskFull].map(needsSpecialBoard), [
    false,
    false,
    true,
  ])
})
