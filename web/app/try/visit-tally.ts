/** What came of a visit. `failed`: certainly not counted; `unknown`: no word came back, so it may be. */
export type VisitOutcome =
  | { kind: 'answered'; srv_id: string; server: string }
  | { kind: 'failed' | 'unknown' }

export type Tally = {
  /** answers by srv_id */
  servers: Record<string, { name: string; visits: number }>
  answered: number
  failed: number
  unknown: number
}

export const emptyTally: Tally = { servers: {}, answered: 0, failed: 0, unknown: 0 }

export function withOutcome(tally: Tally, outcome: VisitOutcome): Tally {
  if (outcome.kind !== 'answered') return { ...tally, [outcome.kind]: tally[outcome.kind] + 1 }
  const { srv_id, server: name } = outcome
  const visits = (tally.servers[srv_id]?.visits ?? 0) + 1
  return {
    ...tally,
    answered: tally.answered + 1,
    servers: { ...tally.servers, [srv_id]: { name, visits } },
  }
}

export function doneOf({ answered, failed, unknown }: Tally): number {
  return answered + failed + unknown
}

const visits = (count: number) => `${count} visit${count === 1 ? '' : 's'}`

/** A run that has ended, in words: what is known of every visit, and no more. */
export function runText(tally: Tally, planned: number): string {
  const { answered, failed, unknown } = tally
  const unsent = planned - doneOf(tally)
  const servers = Object.keys(tally.servers).length
  return [
    `${visits(answered)} counted${answered > 0 ? ` by ${servers} server${servers === 1 ? '' : 's'}` : ''}.`,
    failed > 0 ? `${visits(failed)} refused, not counted.` : '',
    unknown > 0 ? `${visits(unknown)} without an answer: may be counted.` : '',
    unsent > 0 ? `${visits(unsent)} not sent.` : '',
  ]
    .filter(Boolean)
    .join(' ')
}
