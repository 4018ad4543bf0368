import { useHydrated } from './page-lifecycle.ts'

/** Formats figures. */
export type Figures = {
  /** a count, or a count's digits */
  whole(value: number | string): string
  /** per second, with one decimal under 10 */
  rate(value: number): string
  /** from thousandths: 334 is 33.4% */
  share(thousandths: number): string
  /** 0 to 1, in whole per cent: 0.9 is 90% */
  percent(ratio: number): string
}

/**
 * Without the reader's locale. A visit's own figures are texts (see web/shared/page-view.ts), which pass unchanged: so this
 * works while they are tokens, and the browser's first render equals the HTML.
 */
export const plainFigures: Figures = {
  whole: String,
  rate: value => value.toFixed(Math.round(value * 10) < 100 ? 1 : 0),
  share: thousandths => `${(thousandths / 10).toFixed(1)}%`,
  percent: ratio => `${Math.round(ratio * 100)}%`,
}

/**
 * In the reader's locale. Default: the browser's. Uses nothing outside itself, because its source is also a script in the page
 * (script-sources.tsx).
 */
export function localFigures(locale?: string): Figures {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const share = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent' })
  return {
    whole: value => whole.format(Number(value)),
    // Below 10.0 after rounding.
    rate: value => (Math.round(value * 10) < 100 ? tenths : whole).format(value),
    share: thousandths => share.format(thousandths / 1000),
    percent: ratio => percent.format(ratio),
  }
}

export type Formats = Figures & {
  /**
   * Attributes for an element whose text has figures of one kind. In the HTML they let a script format the figures before the
   * first paint (script-sources.tsx), so the element's text is as it will be, and React accepts it.
   */
  mark(kind: keyof Figures): { 'data-figure'?: keyof Figures; suppressHydrationWarning?: true }
}

export const plainFormats: Formats = {
  ...plainFigures,
  mark: kind => ({ 'data-figure': kind, suppressHydrationWarning: true }),
}

let readerFormats: Formats | undefined

/** Plain until the page runs in the browser; then in the reader's locale. */
export function useFormats(): Formats {
  if (!useHydrated()) return plainFormats
  readerFormats ??= { ...localFigures(), mark: () => ({}) }
  return readerFormats
}

/** A space as wide as a digit. */
const figureSpace = '\u2007'

/** Pads a rate to three characters, so that its start does not move when it passes 100. */
export function padRate(rate: string): string {
  return rate.padStart(3, figureSpace)
}
