/** What became of a fault: every promise was kept, one was broken, or this machine lacks what the fault needs. */
export type Outcome = 'kept' | 'broken' | 'not tried'

/**
 * Whether a run ends well. A build that is broken on purpose must be caught by every fault that should catch it: a fault that
 * was not tried caught nothing.
 */
export function endsWell(outcomes: Outcome[], isBrokenBuild: boolean): boolean {
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
