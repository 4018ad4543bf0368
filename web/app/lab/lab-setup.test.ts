import assert from 'node:assert/strict'
import { test } from 'node:test'
import { experimentNames, parametersOfExperiment } from './experiments.ts'
import { changesOf, parametersOf, presetOf, type Setup, setupOf, visitsOf } from './lab-setup.ts'

const servers = ['web-1', 'web-2', 'web-3']

function queryOf(setup: Setup): string {
  const set = Object.entries(parametersOf(setup, servers)).filter(([, value]) => value !== '')
  return `?${new URLSearchParams(set)}`
}

test('each experiment is one parameter of the address, the first one none', () => {
  for (const [place, name] of experimentNames.entries()) {
    const preset = presetOf(name, servers)
    assert.equal(queryOf(preset), place === 0 ? '?' : `?lab=${name}`)
    assert.deepEqual(setupOf(queryOf(preset), servers), preset)
    // Choosing it removes whatever else the address may have.
    const all = { ...parametersOf(preset, servers), lab: name }
    assert.deepEqual(parametersOfExperiment(name), all)
  }
})

test('the address keeps a set-up, also one that takes away what the experiment sets', () => {
  const setup: Setup = {
    experiment: 'slow-server',
    policies: ['hash', 'cookie'],
    visits: 300,
    concurrency: 1,
    returning: true,
    slow: null,
    fail: 'web-1',
  }
  assert.deepEqual(setupOf(queryOf(setup), servers), setup)
  const slow = { ...setup, slow: { server: 'web-3', ms: 100 }, fail: null }
  assert.deepEqual(setupOf(queryOf(slow), servers), slow)
})

test('a server that is away stays chosen, and the address names it', () => {
  const here = ['web-1', 'web-2']
  // The link names a server that is away.
  assert.equal(setupOf('?lab=fair-shares&lab_fail=web-3', here, servers).fail, 'web-3')
  assert.deepEqual(setupOf('?lab_slow=web-3:100', here, servers).slow, { server: 'web-3', ms: 100 })
  // What an experiment chooses without that server has to be named: with it, the choice is another.
  const setup = setupOf('?lab=dead-server', here, servers)
  assert.equal(setup.fail, 'web-2')
  assert.equal(parametersOf(setup, here, servers).lab_fail, 'web-2')
  const back = { ...setup, fail: 'web-3' }
  assert.equal(parametersOf(back, here, servers).lab_fail, 'web-3')
  assert.equal(parametersOf({ ...setup, fail: null }, here, servers).lab_fail, 'none')
  assert.equal(changesOf(setup, { ...setup, visits: 300 }, here, servers).lab_fail, 'web-2')
  // A name that this page does not know stays in the address until the reader chooses another.
  const unknown = setupOf('?lab_fail=web-9', servers)
  assert.deepEqual(changesOf(unknown, { ...unknown, visits: 300 }, servers, servers), { lab_visits: '300' })
  assert.equal(changesOf(unknown, { ...unknown, fail: 'web-1' }, servers, servers).lab_fail, 'web-1')
  assert.equal(changesOf({ ...unknown, fail: 'web-1' }, unknown, servers, servers).lab_fail, '')
})

test('what makes no sense in the address is ignored', () => {
  const preset = presetOf('slow-server', servers)
  for (const wrong of [
    'lab_policies=fastest,',
    'lab_visits=61',
    'lab_visits=1e3',
    'lab_concurrent=6.0',
    'lab_concurrent=-1',
    'lab_visitors=all',
    'lab_slow=web-9:400',
    'lab_slow=web-1:401',
    'lab_slow=web-1',
    'lab_slow=:',
    'lab_fail=web-9',
    'lab_fail=__proto__',
  ])
    assert.deepEqual(setupOf(`?lab=slow-server&${wrong}`, servers), preset, wrong)
  assert.deepEqual(setupOf('?lab=constructor', servers), presetOf('fair-shares', servers))
  assert.deepEqual(setupOf('?lab_policies=hash,fastest', servers).policies, ['hash'])
})

test('without servers nothing is slow and nothing fails', () => {
  for (const name of experimentNames) {
    const { slow, fail } = presetOf(name, [])
    assert.deepEqual([slow, fail], [null, null])
  }
  assert.deepEqual(presetOf('slow-server', ['web-1']).slow, { server: 'web-1', ms: 400 })
})

test('a run sends at most 60 visits that count for a policy', () => {
  const setup: Setup = { ...presetOf('one-office', servers), visits: 300 }
  assert.equal(visitsOf('hash', setup), 300)
  assert.equal(visitsOf('cookie', setup), 60)
  assert.equal(visitsOf('no_cookie', setup), 60)
})
