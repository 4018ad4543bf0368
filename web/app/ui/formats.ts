import { useHydrated } from './page-lifecycle.ts'

/** Formats figures. */
export type Formats = {
  /** a count, or a count's digits */
  whole(value: number | string): string
  /** per second, with one decimal under 10 */
  rate(value: number): string
  /** from thousandths: 334 is 33.4% */
  share(thousandths: number): string
  /** 0 to 1, with two decimals */
  ratio(value: number): string
}

/**
 * Without the reader's locale. A visit's own figures are texts (see web/shared/page-view.ts), which pass unchanged: so this
 * works while they are tokens, and the browser's first render equals the HTML.
 */
export const plainFormats: Formats = {
  whole: String,
  rate: value => value.toFixed(isSmall(value) ? 1 : 0),
  share: thousandths => `${(thousandths / 10).toFixed(1)}%`,
  ratio: value => value.toFixed(2),
}

/** In the reader's locale. Default: the browser's. */
export function localFormats(locale?: string): Formats {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const hundredths = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1 })
  return {
    whole: value => whole.format(Number(value)),
    rate: value => (isSmall(value) ? tenths : whole).format(value),
    share: thousandths => percent.format(thousandths / 1000),
    ratio: value => hundredths.format(value),
  }
}

/** Whether it is below 10.0 after rounding. */
function isSmall(rate: number): boolean {
  return Math.round(rate * 10) < 100
}

let readerFormats: Formats | undefined

/** Plain until the page runs in the browser; then in the reader's locale. */
export function useFormats(): Formats {
  if (!useHydrated()) return plainFormats
  readerFormats ??= localFormats()
  return readerFormats
}

/** A space as wide as a digit. */
const figureSpace = '\u2007'

/** Pads a rate to three characters, so that its start does not move when it passes 100. */
export function padRate(rate: string): string {
  return rate.padStart(3, figureSpace)
}
