/** Does `work` on a connection to the database, and takes it as done where another fault breaks the connection. */
export async function untilBroken(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Error && 'fatal' in error && error.fatal === true)) throw error
  }
}
