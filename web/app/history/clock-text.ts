/** A time to the minute as the reader writes it; locale and zone default to the browser's own. */
export function clockFormat(locale?: string, timeZone?: string): (iso: string) => string {
  const format = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    ...(timeZone !== undefined && { timeZone }),
  })
  return iso => format.format(new Date(iso))
}

/** Which of so many bars have their time written under them: the last, and from there back every so many. */
export function labelledBars(count: number, every: number): number[] {
  const last = count - 1
  return Array.from({ length: Math.floor(last / every) + 1 }, (_, step) => last - step * every).reverse()
}
