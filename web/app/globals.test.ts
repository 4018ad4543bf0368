import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const css = readFileSync(join(import.meta.dirname, 'globals.css'), 'utf8')
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
  const servers = [0, 1, 2, 3, 4, 5, 6].map(place => `server-${place}`)
  for (const mark of [...servers, 'grey-7']) assertContrast(mark, 3, ['grey-1', 'grey-2', 'you-quiet'])
})
