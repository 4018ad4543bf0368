import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parameterOf, withParameter } from './address-bar.ts'
import { localFigures, padRate, plainFigures } from './formats.ts'

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

const sourceOf = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')
const css = sourceOf('../globals.css')
const colourCount = Number(/^const colourCount = (\d+)$/m.exec(sourceOf('badges.tsx'))?.[1])
const serverColours = Array.from({ length: colourCount }, (_, hue) => `server-${hue}`)
const pairs = css.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)
const colours = new Map([...pairs].map(([, name = '', light = '', dark = '']) => [name, [light, dark]]))

/** WCAG's relative luminance of #rrggbb. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map(start => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

function assertContrast(name: string, min: number, grounds: string[]): void {
  for (const theme of [0, 1]) {
    for (const ground of grounds) {
      const found = contrast(colours.get(name)?.[theme] ?? '', colours.get(ground)?.[theme] ?? '')
      assert.ok(found >= min, `${name} on ${ground}, ${theme ? 'dark' : 'light'}: ${found.toFixed(2)}`)
    }
  }
}

test('text has a contrast of 4.5:1 or more on every background, in both themes', () => {
  for (const text of ['grey-8', 'grey-10', 'you', 'bad']) {
    assertContrast(text, 4.5, ['grey-1', 'grey-2', 'grey-3', 'you-quiet'])
  }
})

test('every server’s colour and every control’s edge have a contrast of 3:1 or more', () => {
  for (const mark of [...serverColours, 'grey-7']) assertContrast(mark, 3, ['grey-1', 'grey-2', 'you-quiet'])
})

test('the style has a rule for the colour of every server', () => {
  const rules = css.matchAll(/^\[data-hue="(\d+)"\] \{\n {2}--hue: var\(--(server-\d+)\);$/gm)
  assert.deepEqual(
    [...rules].map(([, hue, colour]) => [hue, colour]),
    serverColours.map((colour, hue) => [String(hue), colour]),
  )
})
