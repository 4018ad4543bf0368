import { once } from 'node:events'
import type { Fault } from '../fault.ts'
import type { Ground } from '../ground/ground.ts'
import type { TrialReport } from '../report.ts'
import { brokenPromises } from './promises.ts'
import { runTrial } from './run-trial.ts'

export type Course = { perSecond: number; report: TrialReport; signal: AbortSignal }

/** Tries one after the other on one board. @returns of each whether all promises were kept; none when told to stop */
export async function tryFaults(faults: Fault[], ground: Ground, course: Course): Promise<boolean[]> {
  const told = once(course.signal, 'abort').then(() => [])
  return Promise.race([tryAll(faults, ground, course), told])
}

async function tryAll(faults: Fault[], ground: Ground, { perSecond, report }: Course): Promise<boolean[]> {
  const kept: boolean[] = []
  let counted = 0
  for (const fault of faults) {
    const trial = await runTrial(fault, ground, perSecond, counted)
    counted = trial.findings.counter
    const broken = brokenPromises(trial)
    report.trial(trial, broken)
    kept.push(broken.length === 0)
  }
  return kept
}
