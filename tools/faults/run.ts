// `npm run test:faults`: brings each fault upon a board of its own, under load, then some of them at once, and holds what
// visitors were told against the database. The exit status is 1 where a promise was broken.
//   npm run test:faults -- [--seed NUMBER] [--only FAULT]… [--pairs NUMBER] [--broken BUILD] [--markdown] [--verbose]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildIfChanged } from '../launcher/build-if-changed.ts'
import { saySentences } from '../launcher/say-sentences.ts'
import type { Report } from '../launcher/stack/stack-options.ts'
import { tellOnSignals } from '../lib/tell-on-signals.ts'
import { print } from '../lib/terminal.ts'
import { breakBoard } from './break-board.ts'
import { readOptions } from './options.ts'

await saySentences(async () => {
  const options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1e9))
  const signal = tellOnSignals()
  // Then the standard output is for the table alone.
  const tell: Report = options.markdown ? (part, text) => console.error(part, text) : print
  await buildIfChanged(tell, signal)
  const folder = await mkdtemp(join(tmpdir(), 'board-faults-'))
  try {
    if (!(await breakBoard(options, folder, signal))) process.exitCode = 1
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  if (signal.aborted) process.exit(1) // a trial that was cut short would still send page views
})
