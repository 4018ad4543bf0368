import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { equip, whyNotTried } from '../testbed/equipment.ts'
import type { Fault } from '../testbed/fault.ts'
import { type Load, startLoad } from '../testbed/load.ts'
import { openTestbed, type Testbed, type TestbedOptions } from '../testbed/testbed.ts'
import { type Findings, findIn, readLedger } from './findings.ts'
import { brokenPromises, type Outcome, type Trial } from './promises.ts'
import { readResidue, recoveryTime, untilSettled, watchMemory } from './recovery.ts'
import type { TrialReport } from './report.ts'

type BoardToTry = Omit<TestbedOptions, 'signal' | 'report' | 'equipment' | 'hasProxies'> & {
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
  const ground = await openTestbed({
    ...board,
    equipment,
    hasProxies: !board.isSpecial,
    signal,
    report: report.part,
  })
  try {
    for (const statement of board.statements) await runStatement(ground, statement)
    return await tryFaults(faults, ground, course)
  } finally {
    await ground.stop()
  }
}

async function runStatement(ground: Testbed, statement: string): Promise<void> {
  const connection = await ground.database.connect()
  await connection.query(statement)
  await connection.end()
}

type Course = { perSecond: number; report: TrialReport; signal: AbortSignal }

/** Tries one after the other on one board. @returns what became of each; none when told to stop */
async function tryFaults(faults: Fault[], ground: Testbed, course: Course): Promise<Outcome[]> {
  const told = once(course.signal, 'abort').then(() => [])
  return Promise.race([tryAll(faults, ground, course), told])
}

async function tryAll(faults: Fault[], ground: Testbed, { perSecond, report }: Course): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let counted = 0
  for (const fault of faults) {
    const reason = whyNotTried(fault, ground)
    if (reason !== null) {
      report.notTried(fault, reason)
      outcomes.push('not tried')
      continue
    }
    const trial = await runTrial(fault, ground, perSecond, counted)
    counted = trial.findings.counter
    const broken = brokenPromises(trial)
    report.trial(trial, broken)
    outcomes.push(broken.length === 0 ? 'kept' : 'broken')
  }
  return outcomes
}

/** ms of page views before a fault, and after all is well again */
const quietMs = 1500
/** ms after which a replica that has not answered is not waited for any longer */
const recoveryTimeoutMs = 45_000

/**
 * Brings one fault upon the board under load, and sees what became of it. `before` is the highest number that the trial
 * before it saw: what is counted between two trials belongs to nobody.
 */
async function runTrial(fault: Fault, ground: Testbed, perSecond: number, before: number): Promise<Trial> {
  await untilSettled(ground)
  ground.asides.length = 0
  ground.complaints.length = 0
  using memory = watchMemory(ground)
  const load = startLoad(ground.url, perSecond)
  const course = await takeCourse(fault, ground, load).finally(load.stop)
  await untilSettled(ground)
  await fault.check?.(ground, { ...course, views: load.views })
  return {
    fault,
    ...course,
    complaints: [...ground.complaints],
    replicas: ground.parts().replicas.length,
    views: load.views,
    findings: await holdAgainstDatabase(load, ground, before),
    residue: await readResidue(ground, memory.most()),
  }
}

async function takeCourse(fault: Fault, ground: Testbed, load: Load) {
  await pause(quietMs)
  const injectedAt = performance.now()
  await fault.inject(ground)
  const overAt = performance.now()
  return { injectedAt, overAt, recovery: await untilRecovered(load, overAt, ground) }
}

/** Until all is well and stays so for a while. */
async function untilRecovered(load: Load, overAt: number, { parts }: Testbed): Promise<number | null> {
  for (;;) {
    await pause(100)
    const waited = performance.now() - overAt
    const srvIds = parts().replicas.map(({ srv_id }) => srv_id)
    const recovery = recoveryTime(load.views, overAt, srvIds)
    if (recovery !== null && waited > recovery + quietMs) return recovery
    if (waited > recoveryTimeoutMs) return recovery
  }
}

async function holdAgainstDatabase(load: Load, ground: Testbed, before: number): Promise<Findings> {
  const connection = await ground.database.connect()
  const ledger = await readLedger(connection, before)
  await connection.end()
  return findIn([...load.views, ...load.resent, ...ground.asides], before, ledger)
}
