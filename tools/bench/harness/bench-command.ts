import { saySentences } from '../../launcher/say-sentences.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import { outliveTerminal } from '../../lib/terminal.ts'
import { type Ground, onGround } from './ground.ts'

/** Runs a bench from start to end; Ctrl-C, SIGTERM and a closing terminal end it early, with nothing left behind. */
export async function benchCommand(work: (ground: Ground) => Promise<void>): Promise<void> {
  outliveTerminal()
  const told = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => told.abort(new StackFailure(`the bench was ended early, by ${name}`)))
  }
  await saySentences(() => onGround(told.signal, work))
}
