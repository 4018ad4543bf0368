import { join } from 'node:path'
import type { Fault } from '../fault.ts'
import { type Ground, type GroundOptions, openGround } from '../ground/ground.ts'
import { mountSmallDisk } from '../ground/small-disk.ts'
import { type Course, tryFaults } from './try-faults.ts'

export type BoardToTry = Omit<GroundOptions, 'signal' | 'report' | 'smallDisk'> & {
  /** done to its database before the first fault */
  statements: string[]
}

/** Tries the faults on a board that is made for them and thrown away. @returns of each whether all promises were kept */
export async function tryOnBoard(board: BoardToTry, faults: Fault[], course: Course): Promise<boolean[]> {
  if (faults.length === 0 || course.signal.aborted) return []
  return tryOn(
    { ...board, signal: course.signal, report: course.report.part },
    faults,
    board.statements,
    course,
  )
}

/** The same with a database that has a small disk of its own; where there can be none, says that they were not tried. */
export async function tryOnSmallDisk(board: BoardToTry, faults: Fault[], course: Course): Promise<boolean[]> {
  if (faults.length === 0 || course.signal.aborted) return []
  const { signal, report } = course
  const smallDisk = mountSmallDisk(join(board.dataDir, 'database'))
  if (!smallDisk) {
    for (const { title } of faults) report.say(`${title}: not tried, since this user may not mount a disk`)
    return []
  }
  try {
    return await tryOn({ ...board, signal, report: report.part, smallDisk }, faults, board.statements, course)
  } finally {
    smallDisk.unmount()
  }
}

async function tryOn(
  options: GroundOptions,
  faults: Fault[],
  statements: string[],
  course: Course,
): Promise<boolean[]> {
  const ground = await openGround(options)
  try {
    for (const statement of statements) await run(ground, statement)
    return await tryFaults(faults, ground, course)
  } finally {
    await ground.stop()
  }
}

async function run(ground: Ground, statement: string): Promise<void> {
  const connection = await ground.database.connect()
  await connection.query(statement)
  await connection.end()
}
