import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32, gunzipSync, gzipSync } from 'node:zlib'
import { CompressedPage } from './compressed-page.ts'
import { type CutText, encodeText, multiply, placeholdersFor, powerOfBytes } from './page-deflate.ts'

// The values of a page, by their index.
const [hit, at, nonce] = [0, 1, 2]
const lengths = [3, 24, 24]
const values = () => [
  String(100 + randomBytes(1).readUInt8()),
  new Date(1.7e12 + randomBytes(4).readUInt32LE()).toISOString(),
  randomBytes(16).toString('base64'),
]

function plain({ pieces, places }: CutText, filled: string[]): string {
  return pieces.map((piece, index) => piece + (filled[places[index] ?? -1] ?? '')).join('')
}

/** A page of `rows` rows with every value in each, and a piece after the last place. */
function pageOf(rows: number, between: string): CutText {
  const places = Array.from({ length: rows }, () => [hit, nonce, at]).flat()
  return { pieces: [...places.map(place => `<td class="${place}">${between}`), '</html>'], places }
}

function assertTakesOn(text: CutText): void {
  const compressed = CompressedPage.of(encodeText(text), lengths)
  for (let round = 0; round < 20; round++) {
    const filled = values()
    // gunzip checks the length and the CRC-32 too
    assert.equal(gunzipSync(compressed.fill(filled).bytes).toString(), plain(text, filled))
  }
}

test('the values are in every place', () => {
  assertTakesOn(pageOf(40, 'some text that “repeats” in each row, '))
})

test('places with short texts between them', () => {
  assertTakesOn(pageOf(40, 'and '))
  assertTakesOn({ pieces: ['', ',', ' “', '”, ', ''], places: [hit, at, nonce, hit] })
})

test('places too far apart to refer to each other, and values right after each other', () => {
  assertTakesOn(pageOf(3, randomBytes(30_000).toString('hex').replace(/0/g, 'a')))
  assertTakesOn({ pieces: ['', '', '', '', ''], places: [hit, at, hit, nonce] })
})

test('values too short for zlib to refer back to', () => {
  const text: CutText = { pieces: ['a', 'b', 'cd', 'e'], places: [hit, hit, hit] }
  const compressed = CompressedPage.of(encodeText(text), [1])
  assert.equal(gunzipSync(compressed.fill(['7']).bytes).toString(), 'a7b7cd7e')
})

test('a page that was given back is used again, and one that was not stays unchanged', () => {
  const text = pageOf(4, 'some text, ')
  const compressed = CompressedPage.of(encodeText(text), lengths)
  const [first, second, third] = [values(), values(), values()]
  const sent = compressed.fill(first)
  const held = compressed.fill(second)
  sent.giveBack()
  const next = compressed.fill(third)
  assert.equal(next.bytes, sent.bytes)
  assert.equal(gunzipSync(next.bytes).toString(), plain(text, third))
  assert.equal(gunzipSync(held.bytes).toString(), plain(text, second))
})

test('it is hardly longer than the page compressed as a whole', () => {
  const text = pageOf(40, 'some text that “repeats” in each row, ')
  const filled = values()
  const whole = gzipSync(plain(text, filled), { level: 9 }).length
  assert.ok(CompressedPage.of(encodeText(text), lengths).fill(filled).bytes.length < whole + 100)
})

test('a value with one place may be of any length', () => {
  const text: CutText = {
    pieces: ['a text, and ', ' and a text, ', ' and', ''],
    places: [at, hit, hit],
  }
  const filled = ['104', 'moved from web-2, which drains. '.repeat(20)]
  const compressed = CompressedPage.of(
    encodeText(text),
    filled.map(value => value.length),
  )
  assert.equal(gunzipSync(compressed.fill(filled).bytes).toString(), plain(text, filled))
})

test('a value for which the page leaves too few bytes unused is uncompressed in all its places', () => {
  const text: CutText = {
    pieces: ['a text, and ', ' and a text, ', ' and ', 'some more text that follows, and then ', '; ', ''],
    places: [hit, at, nonce, at, hit],
  }
  for (const moved of ['', 'web-2 had stopped, so NGINX sent you to web-1. '.repeat(9)]) {
    const filled = ['104', moved, randomBytes(16).toString('base64')]
    const compressed = CompressedPage.of(
      encodeText(text),
      filled.map(value => value.length),
    )
    assert.equal(gunzipSync(compressed.fill(filled).bytes).toString(), plain(text, filled))
  }
})

test('values with more places are the last to be uncompressed in all of them', () => {
  const text: CutText = { pieces: Array.from({ length: 60 }, () => 'some text, '), places: [] }
  const places = text.pieces.slice(1).map((_, index) => (index % 20 === 0 ? hit : nonce))
  const { uncompressed } = placeholdersFor(encodeText({ ...text, places }), [150, 0, 150])
  assert.deepEqual([...uncompressed], [hit])
})

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
