import { useHydrated } from './page-lifecycle.ts'

/** How figures are written. */
export type Formats = {
  /** a count, or a count's digits */
  whole(value: number | string): string
  /** a second, one decimal under 10 */
  rate(value: number): string
  /** in thousandths: 334 is 33.4% */
  share(thousandths: number): string
  /** 0 to 1, with two decimals */
  ratio(value: number): string
}

/**
 * Without the reader's locale. A visit's own figures come as texts (see web/shared/page-view.ts), and these are not
 * looked into: so it holds while they are tokens, and gives the browser's first render the HTML's very text.
 */
export const plainFormats: Formats = {
  whole: String,
  rate: value => value.toFixed(isSmall(value) ? 1 : 0),
  share: thousandths => `${(thousandths / 10).toFixed(1)}%`,
  ratio: value => value.toFixed(2),
}

/** As the reader writes them. The locale defaults to the browser's own. */
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

/** Shows below 10.0 once rounded. */
function isSmall(rate: number): boolean {
  return Math.round(rate * 10) < 100
}

let readerFormats: Formats | undefined

/** Plain until the page runs in the browser, the reader's own from then on. */
export function useFormats(): Formats {
  if (!useHydrated()) return plainFormats
  readerFormats ??= localFormats()
  return readerFormats
}

/** A blank as wide as a digit. */
const figureSpace = '\u2007'

/** A rate that goes up and down over the hundred begins where it began. */
export function padRate(rate: string): string {
  return rate.padStart(3, figureSpace)
}
