/** Seconds without a sign after which a server is lost, and after which it is no longer shown. */
export const silence = { lost: 6, forgotten: 60 } as const

/**
 * After the name of `server` in a statement that asks by `gone_at`. Left to choose, the database reads the whole table where
 * its statistics are from when that was small.
 */
export const byGoneAt = 'FORCE INDEX (server_gone_at_srv_id_idx)'

/** A condition on `table`, by the database's clock: seen more lately than that. */
export function seenWithinSql(table: string, limit: keyof typeof silence): string {
  return `${table}.last_seen_at > UTC_TIMESTAMP(3) - INTERVAL ${silence[limit]} SECOND`
}
