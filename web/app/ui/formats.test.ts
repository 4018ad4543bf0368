import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localFigures, plainFigures } from './figures.ts'
import { padRate } from './formats.ts'

test('before hydration a visit’s own figures pass through untouched', () => {
  assert.equal(plainFigures.whole('x9Tq+/2=='), 'x9Tq+/2==')
})

test('plain figures have no grouping', () => {
  assert.equal(plainFigures.whole(104233), '104233')
  assert.equal(plainFigures.share(334), '33.4%')
  assert.equal(plainFigures.percent(0.904), '90%')
})

test('rates have one decimal under 10 and none above', () => {
  for (const formats of [plainFigures, localFigures('en-GB')]) {
    assert.equal(formats.rate(0), '0.0')
    assert.equal(formats.rate(9.44), '9.4')
    assert.equal(formats.rate(9.96), '10')
    assert.equal(formats.rate(38.6), '39')
  }
})

test('figures follow the reader’s locale', () => {
  assert.equal(localFigures('en-GB').whole('104233'), '104,233')
  assert.equal(localFigures('de-DE').whole(104233), '104.233')
  assert.equal(localFigures('en-GB').share(1000), '100.0%')
  assert.equal(localFigures('de-DE').percent(0.904), '90\u00a0%')
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
