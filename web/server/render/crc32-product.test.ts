import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { multiply, powerOfBytes } from './crc32-product.ts'

test('two checksums and the length of the second text give the checksum of both texts', () => {
  for (const [first, second] of [
    ['a', 'b'],
    ['', 'some text'],
    ['a page', ' and what follows it'.repeat(5000)],
  ] as const) {
    const combined = multiply(powerOfBytes(second.length), crc32(first)) ^ crc32(second)
    assert.equal(combined >>> 0, crc32(first + second))
  }
})
