import type { Report } from '../launcher/stack/stack-options.ts'

/** One line a part, names in a column of their own. */
export const print: Report = (part, text) => console.log(`${part.padEnd(10)}${text}`)

/** A terminal that was closed, or a pipe nobody reads any more, must not end the launcher before it has stopped all. */
export function outliveTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
