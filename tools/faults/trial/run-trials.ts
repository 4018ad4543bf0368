// Runs faults one by one on a testbed under load. findings.ts compares the answers with the database, promises.ts measures
// when service is back and what stays behind, and judges, and report.ts prints. Called by run.ts; calls ../testbed.

import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { equip, whyNotTried } from '../testbed/equipment.ts'
import type { Fault } from '../testbed/fault.ts'
import { type Load, startLoad } from '../testbed/load.ts'
import { openTestbed, type Testbed, type TestbedOptions } from '../testbed/testbed.ts'
import { type Findings, findIn, readLedger } from './findings.ts'
import {
  brokenPromises,
  type Outcome,
  readResidue,
  recoveryTime,
  type Trial,
  untilSettled,
  watchMemory,
} from './promises.ts'
import type { TrialReport } from './report.ts'

type BoardToTry = Omit<TestbedOptions, 'signal' | 'report' | 'equipment' | 'hasProxies'> & {
  /** SQL run on its database before the first fault */
  statements: string[]
  /** whether it has the equipment that changes the whole board: see `equip` */
  isSpecial: boolean
}

/**
 * Runs the faults on a temporary board. Starts no board if this machine lacks what every fault needs.
 * @returns the outcome of each fault
 */
export async function tryOnBoard(board: BoardToTry, faults: Fault[], run: Run): Promise<Outcome[]> {
  const { signal, report } = run
  if (faults.length === 0 || signal.aborted) return []
  await using equipment = equip(board.dataDir, board.isSpecial)
  const reasons = faults.map(fault => whyNotTried(fault, equipment))
  if (!reasons.includes(null)) {
    for (const [index, fault] of faults.entries()) report.notTried(fault, reasons[index] ?? '')
    return faults.map(() => 'not tried')
  }
  const testbed = await openTestbed({
    ...board,
    equipment,
    hasProxies: !board.isSpecial,
    signal,
    report: report.stack,
  })
  try {
    for (const statement of board.statements) await runStatement(testbed, statement)
    return await Promise.race([tryAll(faults, testbed, run), once(signal, 'abort').then(() => [])])
  } finally {
    await testbed.stop()
  }
}

async function runStatement(testbed: Testbed, statement: string): Promise<void> {
  const connection = await testbed.database.connect()
  await connection.query(statement)
  await connection.end()
}

type Run = { perSecond: number; report: TrialReport; signal: AbortSignal }

async function tryAll(faults: Fault[], testbed: Testbed, { perSecond, report }: Run): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let counted = 0
  for (const fault of faults) {
    const reason = whyNotTried(fault, testbed)
    if (reason !== null) {
      report.notTried(fault, reason)
      outcomes.push('not tried')
      continue
    }
    const trial = await runTrial(fault, testbed, perSecond, counted)
    counted = trial.findings.counter
    const broken = brokenPromises(trial)
    report.trial(trial, broken)
    outcomes.push(broken.length === 0 ? 'kept' : 'broken')
  }
  return outcomes
}

/** ms of page views before a fault, and after recovery */
const quietMs = 1500
/** ms to wait for the first answer of every replica */
const recoveryTimeoutMs = 45_000

/**
 * Injects one fault into the board under load and records the result. `before` is the counter after the trial before, so
 * numbers that are counted between two trials show up as unexplained.
 */
async function runTrial(fault: Fault, testbed: Testbed, perSecond: number, before: number): Promise<Trial> {
  await untilSettled(testbed)
  testbed.sideTraffic.length = 0
  testbed.complaints.length = 0
  using memory = watchMemory(testbed)
  const load = startLoad(testbed.url, perSecond)
  const times = await injectUnderLoad(fault, testbed, load).finally(load.stop)
  await untilSettled(testbed)
  await fault.check?.(testbed, { ...times, views: load.views })
  return {
    fault,
    ...times,
    complaints: [...testbed.complaints],
    replicas: testbed.processes().replicas.length,
    views: load.views,
    findings: await compareWithDatabase(load, testbed, before),
    residue: await readResidue(testbed, memory.most()),
  }
}

async function injectUnderLoad(fault: Fault, testbed: Testbed, load: Load) {
  await pause(quietMs)
  const injectedAt = performance.now()
  await fault.inject(testbed)
  const overAt = performance.now()
  return { injectedAt, overAt, recovery: await untilRecovered(load, overAt, testbed) }
}

/** Waits until service has recovered and stays so for `quietMs`. */
async function untilRecovered(load: Load, overAt: number, { processes }: Testbed): Promise<number | null> {
  for (;;) {
    await pause(100)
    const waited = performance.now() - overAt
    const srvIds = processes().replicas.map(({ srv_id }) => srv_id)
    const recovery = recoveryTime(load.views, overAt, srvIds)
    if (recovery !== null && waited > recovery + quietMs) return recovery
    if (waited > recoveryTimeoutMs) return recovery
  }
}

async function compareWithDatabase(load: Load, testbed: Testbed, before: number): Promise<Findings> {
  const connection = await testbed.database.connect()
  const ledger = await readLedger(connection, before)
  await connection.end()
  return findIn([...load.views, ...load.resent, ...testbed.sideTraffic], before, ledger)
}
