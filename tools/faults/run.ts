// `npm run test:faults`: brings each fault upon a board of its own, under load, then some of them at once, and holds what
// visitors were told against the database. The exit status is 1 where a promise was broken.
//   npm run test:faults -- [--seed NUMBER] [--only FAULT]… [--pairs NUMBER] [--broken BUILD] [--markdown] [--verbose]

import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildIfChanged } from '../launcher/build.ts'
import { abortOnSignals, print, type Report, saySentences } from '../lib/terminal.ts'
import { buildBroken } from './broken-builds.ts'
import { allFaults } from './list/all.ts'
import { type Options, readOptions } from './options.ts'
import { needsSpecialBoard } from './testbed/equipment.ts'
import { type Fault, randomPairs } from './testbed/fault.ts'
import { seededRandom } from './testbed/testbed.ts'
import { endsWell, type Outcome } from './trial/promises.ts'
import { openReport } from './trial/report.ts'
import { tryOnBoard } from './trial/run-trials.ts'

/** page views begun a second */
const perSecond = 350

/**
 * Starts boards in `folder`, brings the faults upon them and tells what became of each.
 * @returns whether all is as it should be: every promise kept, or each fault that should find a broken build was tried and found it
 */
async function breakBoard(options: Options, folder: string, signal: AbortSignal): Promise<boolean> {
  const { seed, broken, pairs, faults } = options
  const random = seededRandom(seed)
  const report = openReport(options)
  report.say(`seed ${seed}, ${perSecond} page views a second${broken ? `; broken: ${broken.title}` : ''}`)
  const replica = broken && (await buildBroken(broken, join(folder, 'build')))
  const board = { random, statements: broken?.statements ?? [], ...(replica && { replica }) }
  const course = { perSecond, report, signal }

  const isUsual = (fault: Fault) => !needsSpecialBoard(fault)
  const together = randomPairs(allFaults.filter(isUsual), pairs, random)
  const usual = [...faults.filter(isUsual), ...together]
  const special = faults.filter(needsSpecialBoard)
  const outcomes: Outcome[] = [
    ...(await tryOnBoard({ ...board, dataDir: join(folder, 'board'), isSpecial: false }, usual, course)),
    ...(await tryOnBoard({ ...board, dataDir: join(folder, 'special'), isSpecial: true }, special, course)),
  ]
  if (signal.aborted) return false
  report.end(outcomes)
  return endsWell(outcomes, broken !== null)
}

await saySentences(async () => {
  const options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1e9))
  const signal = abortOnSignals()
  // Then the standard output is for the table alone.
  const tell: Report = options.markdown ? (part, text) => console.error(part, text) : print
  await buildIfChanged(tell, signal)
  try {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'board-'))
    if (!(await breakBoard(options, folder.path, signal))) process.exitCode = 1
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (signal.aborted) process.exit(1) // a trial that was cut short would still send page views
})
