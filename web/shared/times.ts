/** Times as the reader has them; times of another day with their day. */
export type Times = {
  /** to the millisecond */
  moment(iso: string): string
  /** to the second */
  second(iso: string): string
}

/** Locale and zone default to the browser's own. */
export function localTimes(locale?: string, timeZone?: string, now = Date.now): Times {
  const zone = timeZone === undefined ? {} : { timeZone }
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', ...zone } as const
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...zone })
  const withDay = (time: Intl.DateTimeFormat) => (iso: string) => {
    const at = new Date(iso)
    const on = day.format(at)
    return on === day.format(now()) ? time.format(at) : `${on}, ${time.format(at)}`
  }
  return {
    moment: withDay(new Intl.DateTimeFormat(locale, { ...clock, fractionalSecondDigits: 3 })),
    second: withDay(new Intl.DateTimeFormat(locale, clock)),
  }
}

/** A time for who reads the HTML, before the reader's zone is known: "12:04:31.203 UTC", and of another day to the minute. */
export function utcTime(iso: string, today: string): string {
  const [date = '', time = ''] = iso.replace('Z', '').split('T')
  return today.startsWith(date) ? `${time} UTC` : `${date} ${time.slice(0, 5)} UTC`
}
