/**
 * How figures are written. A visit's own values come as texts (see web/page/page-view.ts); `plainFormats` never
 * looks into them, so it holds while they are tokens and gives the browser's first render the HTML's very text.
 */
export type Formats = {
  /** a count, or a count's digits */
  whole(value: number | string): string
  /** a second, one decimal under 10 */
  rate(value: number): string
  /** in thousandths: 334 is 33.4 % */
  share(thousandths: number): string
  /** an ISO time, to the millisecond */
  moment(iso: string): string
  /** an ISO time, to the second */
  second(iso: string): string
}

/** Without the reader's locale and time zone: plain digits, and UTC as ISO 8601. */
export const plainFormats: Formats = {
  whole: String,
  rate: value => value.toFixed(isSmall(value) ? 1 : 0),
  share: thousandths => `${(thousandths / 10).toFixed(1)}%`,
  moment: iso => iso,
  second: iso => iso,
}

/** As the reader writes them; times of another day with their day. Locale and zone default to the browser's own. */
export function localFormats(locale?: string, timeZone?: string, now = Date.now): Formats {
  const zone = timeZone === undefined ? {} : { timeZone }
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', ...zone } as const
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1 })
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...zone })
  const second = new Intl.DateTimeFormat(locale, clock)
  const moment = new Intl.DateTimeFormat(locale, { ...clock, fractionalSecondDigits: 3 })
  const withDay = (time: Intl.DateTimeFormat) => (iso: string) => {
    const at = new Date(iso)
    const on = day.format(at)
    return on === day.format(now()) ? time.format(at) : `${on}, ${time.format(at)}`
  }
  return {
    whole: value => whole.format(Number(value)),
    rate: value => (isSmall(value) ? tenths : whole).format(value),
    share: thousandths => percent.format(thousandths / 1000),
    moment: withDay(moment),
    second: withDay(second),
  }
}

/** Shows below 10.0 once rounded. */
function isSmall(rate: number): boolean {
  return Math.round(rate * 10) < 100
}
