import { once } from 'node:events'
import type { Fault } from '../fault.ts'
import { whyNotTried } from '../testbed/equipment.ts'
import type { Ground } from '../testbed/ground.ts'
import type { Outcome } from './outcome.ts'
import { brokenPromises } from './promises.ts'
import type { TrialReport } from './report.ts'
import { runTrial } from './run-trial.ts'

export type Course = { perSecond: number; report: TrialReport; signal: AbortSignal }

/** Tries one after the other on one board. @returns what became of each; none when told to stop */
export async function tryFaults(faults: Fault[], ground: Ground, course: Course): Promise<Outcome[]> {
  const told = once(course.signal, 'abort').then(() => [])
  return Promise.race([tryAll(faults, ground, course), told])
}

async function tryAll(faults: Fault[], ground: Ground, { perSecond, report }: Course): Promise<Outcome[]> {
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
