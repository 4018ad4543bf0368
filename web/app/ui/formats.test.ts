import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localFormats, padRate, plainFormats } from './formats.ts'

test('before hydration a visit’s own figures pass through untouched', () => {
  assert.equal(plainFormats.whole('x9Tq+/2=='), 'x9Tq+/2==')
})

test('plain figures have no grouping', () => {
  assert.equal(plainFormats.whole(104233), '104233')
  assert.equal(plainFormats.share(334), '33.4%')
})

test('rates have one decimal under 10 and none above', () => {
  for (const formats of [plainFormats, localFormats('en-GB')]) {
    assert.equal(formats.rate(0), '0.0')
    assert.equal(formats.rate(9.44), '9.4')
    assert.equal(formats.rate(9.96), '10')
    assert.equal(formats.rate(38.6), '39')
  }
})

test('figures follow the reader’s locale', () => {
  assert.equal(localFormats('en-GB').whole('104233'), '104,233')
  assert.equal(localFormats('de-DE').whole(104233), '104.233')
  assert.equal(localFormats('en-GB').share(1000), '100.0%')
})

test('short rates are padded to three characters, longer ones do not change', () => {
  assert.deepEqual(['7', '99', '100', '1,024', '9.9'].map(padRate), [
    '\u2007\u20077',
    '\u200799',
    '100',
    '1,024',
    '9.9',
  ])
})
