import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenIn } from './token.ts'

test('a token is taken from the fragment of the link, and nothing else is', () => {
  const token = '0123456789abcdef.~+/-_ABC'
  assert.equal(tokenIn(`#token=${token}`), token)
  for (const fragment of [
    '',
    '#',
    '#board',
    '#token=',
    '#token=null',
    '#token=short',
    `#Token=${token}`,
    `#token=${token}<`,
  ])
    assert.equal(tokenIn(fragment), null, fragment)
})
