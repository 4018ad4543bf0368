import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAll, logUrl, placeInLog } from './log-url.ts'

test('what is not chosen does not stand in the address', () => {
  assert.equal(logUrl('/api/log.csv', { srv_id: '', client_ip: '' }), '/api/log.csv')
  assert.equal(logUrl('/api/log', { srv_id: 'ab', client_ip: '' }, 12), '/api/log?srv_id=ab&before=12')
  assert.equal(logUrl('/api/log', { srv_id: '', client_ip: 'fd00::7' }), '/api/log?client_ip=fd00%3A%3A7')
})

test('a place in the log is a number, and anything else is the newest', () => {
  assert.equal(placeInLog('104'), 104)
  for (const text of ['', '0', '-1', '1e3', '12.5', ' 7', '9'.repeat(30)])
    assert.equal(placeInLog(text), null)
})

test('all are chosen when nothing is', () => {
  assert.equal(isAll({ srv_id: '', client_ip: '' }), true)
  assert.equal(isAll({ srv_id: '', client_ip: '::1' }), false)
})
