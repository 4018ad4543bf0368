import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planRoll } from './roll-plan.ts'

const older = { image: 'sha256:1', configHash: 'a' }
const newest = { image: 'sha256:2', configHash: 'a' }

test('as many new ones are started as old ones run', () => {
  const plan = planRoll([older, older, older], newest)
  assert.deepEqual(plan, { old: [older, older, older], kept: [], missing: 3 })
})

test('a change of docker-compose.yml makes a new version too', () => {
  const running = { ...newest, configHash: 'b' }
  assert.deepEqual(planRoll([running], newest), { old: [running], kept: [], missing: 1 })
})

test('cut short while it started the new ones, it starts those that are missing', () => {
  const plan = planRoll([older, older, older, newest], newest)
  assert.deepEqual(plan, { old: [older, older, older], kept: [newest], missing: 2 })
})

test('cut short while it stopped the old ones, it only stops the rest', () => {
  const plan = planRoll([older, newest, newest, newest], newest)
  assert.deepEqual(plan, { old: [older], kept: [newest, newest, newest], missing: 0 })
})

test('where all are new already, all are replaced', () => {
  assert.deepEqual(planRoll([newest, newest], newest), { old: [newest, newest], kept: [], missing: 2 })
})
