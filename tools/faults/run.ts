// `npm run test:faults`: injects each fault into a board under load, then random pairs of faults, and compares the answers
// that visitors got with the database. Exits 1 if a promise was broken.
// list/ holds the faults, testbed/ the board, its load and its equipment, trial/ runs one fault and judges it. A fault uses
// the testbed only; run.ts passes the chosen faults to trial/run-trials.ts.
//   npm run test:faults -- [--seed NUMBER] [--only FAULT]… [--pairs NUMBER] [--broken BUILD] [--markdown] [--verbose]

import { join } from 'node:path'
import { runOnBuild } from '../launcher/build.ts'
import { print, type Report, saySentences } from '../lib/terminal.ts'
import { buildBroken } from './broken-builds.ts'
import { allFaults } from './list/all.ts'
import { type Options, readOptions } from './options.ts'
import { needsSpecialBoard } from './testbed/equipment.ts'
import { type Fault, randomPairs } from './testbed/fault.ts'
import { seededRandom } from './testbed/testbed.ts'
import { type Outcome, succeeded } from './trial/promises.ts'
import { openReport } from './trial/report.ts'
import { tryOnBoard } from './trial/run-trials.ts'

/** page views started per second */
const perSecond = 350

/**
 * Starts boards in `folder`, injects the faults and reports each outcome.
 * @returns true if every promise was kept or, for a broken build, if each of its faults ran and detected it
 */
async function injectFaults(options: Options, folder: string, signal: AbortSignal): Promise<boolean> {
  const { seed, broken, pairs, faults } = options
  const random = seededRandom(seed)
  const report = openReport(options)
  report.say(`seed ${seed}, ${perSecond} page views a second${broken ? `; broken: ${broken.title}` : ''}`)
  const replica = broken && (await buildBroken(broken, join(folder, 'build')))
  const board = { random, statements: broken?.statements ?? [], ...(replica && { replica }) }
  const run = { perSecond, report, signal }

  const isUsual = (fault: Fault) => !needsSpecialBoard(fault)
  const combined = randomPairs(allFaults.filter(isUsual), pairs, random)
  const usual = [...faults.filter(isUsual), ...combined]
  const special = faults.filter(needsSpecialBoard)
  const outcomes: Outcome[] = [
    ...(await tryOnBoard({ ...board, dataDir: join(folder, 'board'), isSpecial: false }, usual, run)),
    ...(await tryOnBoard({ ...board, dataDir: join(folder, 'special'), isSpecial: true }, special, run)),
  ]
  if (signal.aborted) return false
  report.end(outcomes)
  return succeeded(outcomes, broken !== null)
}

await saySentences(async () => {
  const options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1e9))
  // With --markdown, standard output holds only the table.
  const progress: Report = options.markdown ? (part, text) => console.error(part, text) : print
  await runOnBuild((folder, signal) => injectFaults(options, folder, signal), progress)
})
