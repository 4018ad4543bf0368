import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localFormats, plainFormats } from './formats.ts'

test('before hydration a visit’s own values pass through untouched', () => {
  assert.equal(plainFormats.whole('x9Tq+/2=='), 'x9Tq+/2==')
  assert.equal(plainFormats.moment('x9Tq+/2=='), 'x9Tq+/2==')
  assert.equal(plainFormats.second('x9Tq+/2=='), 'x9Tq+/2==')
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

test('figures and times follow the reader', () => {
  const now = () => Date.parse('2026-11-22T20:00:00.000Z')
  const british = localFormats('en-GB', 'Europe/Zurich', now)
  const german = localFormats('de-DE', 'UTC', now)
  assert.equal(british.whole('104233'), '104,233')
  assert.equal(german.whole(104233), '104.233')
  assert.equal(british.share(1000), '100.0%')
  assert.equal(british.second('2026-11-22T12:04:31.203Z'), '13:04:31')
  assert.equal(german.moment('2026-11-22T12:04:31.203Z'), '12:04:31,203')
  assert.equal(british.second('2026-11-21T12:04:31.203Z'), '21 Nov, 13:04:31')
})
