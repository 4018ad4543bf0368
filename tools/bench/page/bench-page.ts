// `npm run bench:page`: what an open page costs its reader's machine while a thousand visits a second come in.
import { buildIfChanged } from '../../launcher/build-if-changed.ts'
import { saySentences } from '../../launcher/say-sentences.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import { outliveTerminal } from '../../lib/terminal.ts'
import { parseOptions } from '../harness/page-options.ts'
import { say } from '../harness/say.ts'
import { type BoardFigures, measureBoard } from './measure-board.ts'
import { politeReplica } from './polite-replica.ts'
import { reportText } from './report.ts'
import { startThrowAwayBoard } from './throw-away-board.ts'

outliveTerminal()
const told = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => told.abort(new StackFailure(`the bench was ended early, by ${name}`)))
}

await saySentences(async () => {
  const { seconds, replicas, json } = parseOptions(process.argv.slice(2))
  const boards: BoardFigures[] = []
  try {
    await buildIfChanged(say, told.signal)
    for (const count of replicas) {
      await using board = await startThrowAwayBoard(count, told.signal, politeReplica())
      boards.push(await measureBoard({ url: board.url, replicas: count, seconds }, told.signal))
    }
  } catch (error) {
    told.signal.throwIfAborted()
    throw error
  }
  console.log(json ? JSON.stringify({ seconds, boards }, null, 2) : reportText(boards))
})
