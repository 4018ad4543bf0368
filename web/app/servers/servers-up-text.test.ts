import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serversUpText } from './servers-up-text.ts'

test('those that are up are counted', () => {
  assert.equal(serversUpText(['up', 'lost', 'up'], String), '2 servers up')
  assert.equal(serversUpText(['draining', 'up'], String), '1 server up')
})

test('when none is up it says what they are', () => {
  assert.equal(serversUpText(['draining', 'lost', 'draining'], String), '0 servers up, 2 draining, 1 lost')
  assert.equal(serversUpText(['stopped'], String), '0 servers up')
})
