import type { Fault } from '../fault.ts'
import { equip, whyNotTried } from '../testbed/equipment.ts'
import { type Ground, type GroundOptions, openGround } from '../testbed/ground.ts'
import type { Outcome } from './outcome.ts'
import { type Course, tryFaults } from './try-faults.ts'

export type BoardToTry = Omit<GroundOptions, 'signal' | 'report' | 'equipment' | 'hasProxies'> & {
  /** done to its database before the first fault */
  statements: string[]
  /** whether it has what changes a whole board: see `equip` */
  isSpecial: boolean
}

/**
 * Tries the faults on a board that is made for them and thrown away. Where this machine offers nothing that one of them needs,
 * no board is started. @returns what became of each fault
 */
export async function tryOnBoard(board: BoardToTry, faults: Fault[], course: Course): Promise<Outcome[]> {
  const { signal, report } = course
  if (faults.length === 0 || signal.aborted) return []
  await using equipment = equip(board.dataDir, board.isSpecial)
  const reasons = faults.map(fault => whyNotTried(fault, equipment))
  if (!reasons.includes(null)) {
    for (const [index, fault] of faults.entries()) report.notTried(fault, reasons[index] ?? '')
    return faults.map(() => 'not tried')
  }
  const ground = await openGround({
    ...board,
    equipment,
    hasProxies: !board.isSpecial,
    signal,
    report: report.part,
  })
  try {
    for (const statement of board.statements) await run(ground, statement)
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
