/** Formats times in the reader's locale and zone. Times of another day include the day. */
export type Times = {
  /** to the millisecond */
  moment(iso: string): string
  /** to the second */
  second(iso: string): string
}

/**
 * Locale and zone default to the browser's own. Uses nothing outside itself, because its source is also a script in the page
 * (web/app/ui/script-sources.tsx).
 */
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

/** A time for the HTML, before the reader's zone is known: "12:04:31.203 UTC"; of another day "2026-11-21 12:04 UTC". */
export function utcTime(iso: string, today: string): string {
  const [date = '', time = ''] = iso.replace('Z', '').split('T')
  return today.startsWith(date) ? `${time} UTC` : `${date} ${time.slice(0, 5)} UTC`
}

/** A countdown: "4:32", "1:04:32". Never below "0:00". */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const two = (value: number) => String(value % 60).padStart(2, '0')
  if (minutes < 60) return `${minutes}:${two(seconds)}`
  return `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`
}

/** A duration so far: "12 s", "4 min", "2 h". */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return `${Math.floor(seconds / 3600)} h`
}

/** A configured duration: "5 minutes", "1 minute", "90 seconds". */
export function lengthInWords(seconds: number): string {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
