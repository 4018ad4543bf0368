import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameterOf, withParameter } from './address-bar.ts'

const board = 'http://board.example/?range=1h'

test('a parameter is added beside the others, changed in place, and taken out by an empty value', () => {
  assert.equal(withParameter(board, 'client_ip', '::1'), `${board}&client_ip=%3A%3A1`)
  assert.equal(withParameter(board, 'range', '24h'), 'http://board.example/?range=24h')
  assert.equal(withParameter(board, 'range', ''), 'http://board.example/')
})

test('a parameter reads as it was set, and as nothing when it was not', () => {
  assert.equal(parameterOf(withParameter(board, 'client_ip', 'fd00::7'), 'client_ip'), 'fd00::7')
  assert.equal(parameterOf(board, 'client_ip'), '')
})
