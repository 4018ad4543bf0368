import { createInterface } from 'node:readline/promises'

/** How a question reaches a person: false where there is nobody to ask. */
export type Ask = (question: string) => Promise<boolean>

/** Whether all questions are answered with yes; the first `yeses` of them were, on the command line. */
export async function confirm(questions: string[], yeses: number, ask: Ask): Promise<boolean> {
  for (const question of questions.slice(yeses)) if (!(await ask(question))) return false
  return true
}

/** Asks at the terminal; only "yes" is yes. */
export const askAtTerminal: Ask = async question => {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question(`${question} (yes/no) `)).trim().toLowerCase() === 'yes'
  } catch {
    return false // Ctrl-C or Ctrl-D
  } finally {
    terminal.close()
  }
}
