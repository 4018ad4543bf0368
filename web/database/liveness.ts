/** Seconds without a sign after which a server is lost, and after which it is no longer shown. */
export const silence = { lost: 6, forgotten: 60 } as const

/** A condition on `table`, by the database's clock: seen more lately than that. */
export function seenWithinSql(table: string, limit: keyof typeof silence): string {
  return `${table}.last_seen_at > UTC_TIMESTAMP(3) - INTERVAL ${silence[limit]} SECOND`
}
