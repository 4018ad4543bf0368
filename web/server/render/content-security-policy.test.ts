import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newNonce } from './content-security-policy.ts'

test('no nonce is given twice, and each is 16 bytes as base64', () => {
  const nonces = Array.from({ length: 2000 }, newNonce)
  assert.equal(new Set(nonces).size, nonces.length)
  for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9+/]{22}==$/)
})
