/** '2026-11-22 12:04:31.203', as the database tells a UTC time, to '2026-11-22T12:04:31.203Z'. */
export function toIsoTime(databaseTime: string): string {
  const [date, time = '00:00:00'] = databaseTime.split(' ')
  const [seconds, fraction = ''] = time.split('.')
  return `${date}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
}
