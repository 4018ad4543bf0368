import { once } from 'node:events'
import { join } from 'node:path'
import { buildBroken } from './broken/build-broken.ts'
import { randomPairs } from './combine.ts'
import type { Fault } from './fault.ts'
import { type Ground, openGround } from './ground/ground.ts'
import { allFaults } from './list/all.ts'
import type { Options } from './options.ts'
import { seededRandom } from './random.ts'
import { openReport, type TrialReport } from './report.ts'
import { brokenPromises } from './trial/promises.ts'
import { runTrial } from './trial/run-trial.ts'

/** page views begun a second */
const perSecond = 350

/**
 * Starts a board in `folder`, brings the faults upon it and tells what became of each.
 * @returns whether all is as it should be: every promise kept, or each of a broken build's faults found it
 */
export async function breakBoard(options: Options, folder: string, signal: AbortSignal): Promise<boolean> {
  const { seed, broken } = options
  const random = seededRandom(seed)
  const report = openReport(options)
  report.say(`seed ${seed}, ${perSecond} page views a second${broken ? `; broken: ${broken.title}` : ''}`)
  const replica = broken && (await buildBroken(broken, join(folder, 'build')))
  const ground = await openGround({
    dataDir: join(folder, 'data'),
    random,
    signal,
    report: report.part,
    ...(replica && { replica }),
  })
  try {
    for (const statement of broken?.statements ?? []) await run(ground, statement)
    const faults = [...options.faults, ...randomPairs(allFaults, options.pairs, random)]
    const told = once(signal, 'abort').then(() => null)
    const kept = await Promise.race([tryAll(faults, ground, report), told])
    if (kept === null) return false
    return broken ? kept.every(one => !one) : kept.every(Boolean)
  } finally {
    await ground.stop()
  }
}

/** @returns of each whether all promises were kept */
async function tryAll(faults: Fault[], ground: Ground, report: TrialReport): Promise<boolean[]> {
  const kept: boolean[] = []
  let counted = 0
  for (const fault of faults) {
    const trial = await runTrial(fault, ground, perSecond, counted)
    counted = trial.findings.counter
    const broken = brokenPromises(trial)
    report.trial(trial, broken)
    kept.push(broken.length === 0)
  }
  report.end(kept)
  return kept
}

async function run(ground: Ground, statement: string): Promise<void> {
  const connection = await ground.database.connect()
  await connection.query(statement)
  await connection.end()
}
