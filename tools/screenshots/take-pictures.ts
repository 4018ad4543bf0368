// `npm run pictures`: the README's pictures, of a board of their own. Nothing in them is made up: what they show happened.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { say } from '../bench/harness/say.ts'
import { openBoard } from '../bench/page/open-board.ts'
import { startThrowAwayBoard } from '../bench/page/throw-away-board.ts'
import { buildIfChanged } from '../launcher/build-if-changed.ts'
import { saySentences } from '../launcher/say-sentences.ts'
import { builtReplica } from '../launcher/stack/replica-program.ts'
import { tellOnSignals } from '../lib/tell-on-signals.ts'
import { outliveTerminal } from '../lib/terminal.ts'
import { filmLoss } from './film-loss.ts'
import { holdable, openHold } from './hold.ts'
import { takeStills } from './take-stills.ts'
import { startVisitors } from './visitors.ts'

/** The history has a bar a minute. */
const beforeStillsMs = 110_000

outliveTerminal()
const signal = tellOnSignals()
const docs = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'board-pictures-'))

await saySentences(async () => {
  try {
    await buildIfChanged(say, signal)
    const hold = openHold(join(folder, 'hold'))
    await using board = await startThrowAwayBoard(3, signal, holdable(builtReplica(process.env), hold))
    await using _visitors = startVisitors(board.url)
    say('stills', `in ${beforeStillsMs / 1000} s, once the history has something to show`)
    await pause(beforeStillsMs, undefined, { signal })
    await takeStills(board.url, docs, signal)
    say('film', 'a server is killed, and comes back')
    await using page = await openBoard(board.url, { width: 1120, height: 828 }, signal)
    await filmLoss({ page, hold, replicas: () => board.file().replicas, folder, docs }, signal)
    say('pictures', `written to ${docs}`)
  } catch (error) {
    if (!signal.aborted) throw error
    process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
