import type { Series } from './series.ts'

/** The axis' end: the least of 2, 4, 6, 8, 10, 20, 40, … that holds the value, so that its half is a whole number too. */
export function axisTop(most: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))))
  const digit = [1, 2, 4, 6, 8].find(digit => digit * power >= most)
  return digit === undefined ? 10 * power : Math.max(2, digit * power)
}

/** How much of its time's width a bar takes. */
const width = 0.8

/**
 * Stacked bars, one outline a series, the first at the bottom. In a box that is one wide for each time and 1 high, with
 * y pointing down. Empty where a series has no hits.
 */
export function stackedBars(series: Series[], top: number): string[] {
  const reached: number[] = []
  return series.map(({ hits }) =>
    hits
      .map((count, at) => {
        const from = reached[at] ?? 0
        reached[at] = from + count
        return count > 0 ? bar(at, from / top, count / top) : ''
      })
      .join(''),
  )
}

function bar(at: number, from: number, height: number): string {
  return `M${short(at + (1 - width) / 2)} ${short(1 - from)}h${width}v${short(-height)}h${-width}z`
}

function short(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
