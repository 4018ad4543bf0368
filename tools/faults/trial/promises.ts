// The promises of the board: measures what a fault did (time until recovery, what the replicas still hold), and judges it.

import { readMetric } from '../../lib/metrics.ts'
import { residentBytes } from '../../lib/processes.ts'
import type { Answer } from '../../lib/visitors.ts'
import { answers, poll, until } from '../../lib/wait.ts'
import { type Allowed, type Fault, usualBatchesInFlight, usualRecoveryMs } from '../testbed/fault.ts'
import type { Testbed } from '../testbed/testbed.ts'
import { countBatches, type Findings } from './findings.ts'

/** What a trial recorded. Times are on the clock of `performance.now()`. */
export type Trial = {
  fault: Fault
  replicas: number
  injectedAt: number
  /** when the fault's cause was removed */
  overAt: number
  views: Answer[]
  findings: Findings
  /** ms; null = not all replicas came back */
  recovery: number | null
  residue: Residue
  /** broken promises that only this fault makes, in words */
  complaints: string[]
}

const slowestMs = 3000
const mostMemory = 512 * 1024 * 1024

export const failedViews = ({ views }: Pick<Trial, 'views'>) => views.filter(({ status }) => status !== 200)
export const slowestView = ({ views }: Pick<Trial, 'views'>) => Math.max(0, ...views.map(({ took }) => took))

/** The broken promises, in words; empty if all were kept */
export function brokenPromises(trial: Trial): string[] {
  return [...brokenToVisitors(trial), ...brokenInLog(trial), ...brokenInside(trial), ...trial.complaints]
}

function brokenToVisitors(trial: Trial): string[] {
  const { fault, recovery, injectedAt } = trial
  const broken: string[] = []
  const notAllowed = failedViews(trial).filter(view => !isAllowed(view, fault.allows ?? []))
  if (notAllowed.length > 0) broken.push(`page views that must not fail in this way: ${tally(notAllowed)}`)
  const early = failedViews(trial).filter(view => view.startedAt + view.took < injectedAt)
  if (early.length > 0) broken.push(`page views that failed before the fault: ${tally(early)}`)
  const { allowsForMs = Number.POSITIVE_INFINITY } = fault
  const late = failedViews(trial).filter(view => view.startedAt > injectedAt + allowsForMs)
  if (late.length > 0)
    broken.push(`page views that failed more than ${allowsForMs} ms after the fault began: ${tally(late)}`)
  const slowest = slowestView(trial)
  const limitMs = fault.slowestMs ?? slowestMs
  if (slowest > limitMs) broken.push(`an answer took ${Math.round(slowest)} ms, more than ${limitMs}`)
  const { recoversWithinMs = usualRecoveryMs } = fault
  if (recovery === null) broken.push('not all replicas came back')
  else if (recovery > recoversWithinMs)
    broken.push(`service was back after ${Math.round(recovery)} ms, more than ${recoversWithinMs}`)
  return broken
}

function isAllowed({ status, code, retryAfter }: Answer, allowed: Allowed[]): boolean {
  if (status === 0) return allowed.includes('silence')
  if (status !== 503 || !retryAfter) return false
  return allowed.includes(code === 'no_replica' || code === 'no_answer' ? 'no-replica' : 'unavailable')
}

/** Failures by kind: "270 × 503 overloaded, 3 × no answer" */
export function tally(views: Answer[]): string {
  const kinds = Map.groupBy(views, ({ status, code }) => (status ? `${status} ${code ?? ''}` : 'no answer'))
  return [...kinds].map(([kind, { length }]) => `${length} × ${kind}`).join(', ')
}

function brokenInLog({ fault, findings, replicas }: Trial): string[] {
  const { lost, countedTwice, countedAfterAll, inDoubt, unexplained, gaps, backwards, totals } = findings
  const broken: string[] = []
  const say = (count: number, what: string) => count !== 0 && broken.push(`${count} ${what}`)
  say(lost.length, 'answered numbers are not in the log')
  say(countedTwice.length, 'rows in the log for a page view that was counted before')
  say(countedAfterAll.length, 'page views were counted but answered as not counted')
  say(unexplained.length, 'rows in the log that belong to no answer')
  say(gaps, 'numbers without a row')
  if (!fault.setsClockBack) say(backwards, 'rows that are earlier than the row before')
  if (new Set(totals).size > 1) broken.push(`counter, highest id, rows and hits differ: ${totals.join(', ')}`)
  const batches = countBatches(inDoubt)
  const inFlight = replicas * (fault.batchesInFlight ?? usualBatchesInFlight)
  if (batches > inFlight)
    broken.push(`${batches} batches of unknown outcome were counted, more than the ${inFlight} in flight`)
  return broken
}

function brokenInside({ residue }: Trial): string[] {
  const broken: string[] = []
  const megabytes = Math.round(residue.mostMemory / 1024 / 1024)
  if (residue.mostMemory > mostMemory) broken.push(`a replica used ${megabytes} MB of memory`)
  if (residue.queued > 0) broken.push(`${residue.queued} page views are still queued`)
  if (residue.streams > 0) broken.push(`${residue.streams} dashboards still count as connected`)
  return broken
}

/** 'not tried': this machine lacks what the fault needs */
export type Outcome = 'kept' | 'broken' | 'not tried'

/** Whether a run succeeded. Every fault of a broken build must detect it; a fault that was not tried detects nothing. */
export function succeeded(outcomes: Outcome[], isBrokenBuild: boolean): boolean {
  if (!isBrokenBuild) return !outcomes.includes('broken')
  return outcomes.length > 0 && outcomes.every(outcome => outcome === 'broken')
}

/** The last line of a run. */
export function summaryOf(outcomes: Outcome[], seconds: number): string {
  const count = (wanted: Outcome) => outcomes.filter(outcome => outcome === wanted).length
  const notTried = count('not tried')
  const tried = outcomes.length - notTried
  const skipped = notTried > 0 ? `; ${notTried} not tried` : ''
  if (tried === 0) return `no fault was tried${skipped}`
  const verdict = count('broken') > 0 ? `${count('broken')} broke a promise` : 'every promise was kept'
  return `${tried} faults in ${seconds.toFixed(0)} s: ${verdict}${skipped}`
}

/**
 * ms from `overAt` until every replica has answered a page view that started after it, and the last failure has ended; null
 * if a replica has not answered
 */
export function recoveryTime(views: Answer[], overAt: number, srvIds: string[]): number | null {
  const firsts = new Map<string, number>()
  let back = overAt
  for (const { status, srvId, startedAt, took } of views) {
    const endedAt = startedAt + took
    if (status !== 200) back = Math.max(back, endedAt)
    else if (srvId !== null && startedAt >= overAt)
      firsts.set(srvId, Math.min(endedAt, firsts.get(srvId) ?? endedAt))
  }
  if (srvIds.some(srvId => !firsts.has(srvId))) return null
  return Math.max(back, ...firsts.values()) - overAt
}

/** Waits until the database and NGINX answer and every replica is ready. */
export async function untilSettled({ url, database, processes }: Testbed): Promise<void> {
  await database.untilItAnswers()
  await until('NGINX answers', () => answers(`${url}healthz`))
  await until('every replica is ready', () => allReady(processes().replicas))
}

async function allReady(replicas: { address: string }[]): Promise<boolean> {
  const ready = await Promise.all(replicas.map(({ address }) => answers(`http://${address}/health/ready`)))
  return ready.every(Boolean)
}

/** What a fault leaves behind in the replicas */
export type Residue = {
  /** peak memory of a replica, in bytes */
  mostMemory: number
  queued: number
  streams: number
}

/** ms within which dropped connections and queues must be gone */
const residueTimeoutMs = 10_000

/** Polls the replicas until they hold nothing, for at most ten seconds. */
export async function readResidue(testbed: Testbed, mostMemory: number): Promise<Residue> {
  let residue: Residue = { mostMemory, queued: 0, streams: 0 }
  const isGone = async () => {
    const queued = await sum(testbed, 'balance_board_queued_hits')
    const streams = await sum(testbed, 'balance_board_live_streams')
    residue = { mostMemory, queued, streams }
    return queued + streams === 0
  }
  await poll(isGone, residueTimeoutMs, 100)
  return residue
}

async function sum({ processes }: Testbed, metric: string): Promise<number> {
  const values = await Promise.all(processes().replicas.map(({ address }) => readMetric(address, metric)))
  return values.reduce((total, value) => total + value, 0)
}

/** Samples the replicas' memory four times a second, also of frozen ones. `most` is the peak in bytes. */
export function watchMemory({ processes }: Testbed): Disposable & { most(): number } {
  let most = 0
  const sample = () => {
    for (const { pid } of processes().replicas) most = Math.max(most, residentBytes(pid))
  }
  const timer = setInterval(sample, 250)
  return { most: () => most, [Symbol.dispose]: () => clearInterval(timer) }
}
