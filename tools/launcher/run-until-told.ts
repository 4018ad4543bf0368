import { tellOnSignals } from '../lib/tell-on-signals.ts'
import { outliveTerminal, print } from '../lib/terminal.ts'
import { saySentences } from './say-sentences.ts'
import type { Stack } from './stack/stack.ts'

/**
 * Starts a stack, says where it is, and stops it when told to: by Ctrl-C, by SIGTERM, or by the terminal closing.
 * Telling it again changes nothing.
 */
export async function runUntilTold(start: (signal: AbortSignal) => Promise<Stack>): Promise<void> {
  outliveTerminal()
  const signal = tellOnSignals()
  await saySentences(async () => {
    try {
      const stack = await start(signal)
      console.log(`\nBalance Board: ${stack.url}    (Ctrl-C stops it)\n`)
      await aborted(signal)
      await stack.stop()
    } catch (error) {
      if (!signal.aborted) throw error
    }
    print('stop', 'all parts have stopped')
  })
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
