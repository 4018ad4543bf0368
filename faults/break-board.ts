import { join } from 'node:path'
import { buildBroken } from './broken/build-broken.ts'
import { randomPairs } from './combine.ts'
import type { Fault } from './fault.ts'
import { type Ground, type GroundOptions, openGround } from './ground/ground.ts'
import { mountSmallDisk } from './ground/small-disk.ts'
import { allFaults } from './list/all.ts'
import type { Options } from './options.ts'
import { seededRandom } from './random.ts'
import { openReport } from './report.ts'
import { tryFaults } from './trial/try-faults.ts'

/** page views begun a second */
const perSecond = 350

/**
 * Starts boards in `folder`, brings the faults upon them and tells what became of each.
 * @returns whether all is as it should be: every promise kept, or each of a broken build's faults found it
 */
export async function breakBoard(options: Options, folder: string, signal: AbortSignal): Promise<boolean> {
  const { seed, broken, pairs } = options
  const random = seededRandom(seed)
  const report = openReport(options)
  report.say(`seed ${seed}, ${perSecond} page views a second${broken ? `; broken: ${broken.title}` : ''}`)
  const replica = broken && (await buildBroken(broken, join(folder, 'build')))
  const settings = { random, signal, report: report.part, ...(replica && { replica }) }

  async function tryOn(board: GroundOptions, faults: Fault[]): Promise<boolean[]> {
    if (faults.length === 0 || signal.aborted) return []
    const ground = await openGround(board)
    try {
      for (const statement of broken?.statements ?? []) await run(ground, statement)
      return await tryFaults(faults, ground, { perSecond, report, signal })
    } finally {
      await ground.stop()
    }
  }

  async function tryOnSmallDisk(faults: Fault[]): Promise<boolean[]> {
    if (faults.length === 0) return []
    const dataDir = join(folder, 'small')
    const smallDisk = mountSmallDisk(join(dataDir, 'database'))
    if (!smallDisk) {
      for (const { title } of faults) report.say(`${title}: not tried, since this user may not mount a disk`)
      return []
    }
    try {
      return await tryOn({ ...settings, dataDir, smallDisk }, faults)
    } finally {
      smallDisk.unmount()
    }
  }

  const together = randomPairs(allFaults.filter(isUsual), pairs, random)
  const kept = [
    ...(await tryOn({ ...settings, dataDir: join(folder, 'data') }, [
      ...options.faults.filter(isUsual),
      ...together,
    ])),
    ...(await tryOnSmallDisk(options.faults.filter(fault => !isUsual(fault)))),
  ]
  if (signal.aborted) return false
  report.end(kept)
  return broken ? kept.every(one => !one) : kept.every(Boolean)
}

const isUsual = ({ needsSmallDisk = false }: Fault) => !needsSmallDisk

async function run(ground: Ground, statement: string): Promise<void> {
  const connection = await ground.database.connect()
  await connection.query(statement)
  await connection.end()
}
