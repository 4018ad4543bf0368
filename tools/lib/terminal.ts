/** What a stack says of itself: a part ("web-2", "nginx") and a line about it. */
export type Report = (part: string, text: string) => void

/** The stack cannot be had; the message is one clear sentence for the person at the terminal. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

/** One line a part, names in a column of their own. */
export const print: Report = (part, text) => console.log(`${part.padEnd(10)}${text}`)

/** A terminal that was closed, or a pipe nobody reads any more, must not end the launcher before it has stopped all. */
export function outliveTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

/**
 * Aborted when this process is told to stop: by Ctrl-C, by SIGTERM, by Ctrl-\, or by the terminal closing.
 * SIGUSR1 and SIGUSR2 do nothing: Node would open its debugger, or end and leave all parts running.
 */
export function abortOnSignals(): AbortSignal {
  const told = new AbortController()
  for (const name of ['SIGUSR1', 'SIGUSR2'] as const) process.on(name, () => {})
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => {
      if (!told.signal.aborted) print('stop', 'stopping in order …')
      told.abort()
    })
  }
  return told.signal
}
