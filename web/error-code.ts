/** What Node, the driver or the database calls an error, e.g. `ECONNREFUSED`, `ER_DUP_ENTRY`; '' for one without a code. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
