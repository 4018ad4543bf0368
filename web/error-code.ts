/** What Node, the driver or the database calls an error, e.g. `ECONNREFUSED`, `ER_DUP_ENTRY`; '' for one without a code. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** What an error says in words. One that gathers several, as of a name with two addresses, has only a code. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error && error.message) || codeOf(error) || String(error)
}
