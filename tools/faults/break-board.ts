import { join } from 'node:path'
import { buildBroken } from './build-broken.ts'
import { randomPairs } from './combine.ts'
import type { Fault } from './fault.ts'
import { allFaults } from './list/all.ts'
import type { Options } from './options.ts'
import { needsSpecialBoard } from './testbed/equipment.ts'
import { seededRandom } from './testbed/random.ts'
import { endsWell, type Outcome } from './trial/outcome.ts'
import { openReport } from './trial/report.ts'
import { tryOnBoard } from './trial/try-on-board.ts'

/** page views begun a second */
const perSecond = 350

/**
 * Starts boards in `folder`, brings the faults upon them and tells what became of each.
 * @returns whether all is as it should be: every promise kept, or each fault that should find a broken build was tried and found it
 */
export async function breakBoard(options: Options, folder: string, signal: AbortSignal): Promise<boolean> {
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
