import type { Audit, Snapshot } from '../../shared/api.ts'

/** Whether the servers' hits add up to the counter: both stand in every snapshot, from one reading. */
export function addsUp({ counter, servers, earlier_hits }: Snapshot): boolean {
  return servers.reduce((sum, { hits }) => sum + hits, earlier_hits) === counter
}

/** A figure that must equal the counter, and what it is made of. */
export type Term = {
  name: string
  value: number
  /** "104,200 rows + 61 removed" */
  parts?: { name: string; value: number }[]
  equal: boolean
}

/** The counter and what must be the same, each reckoned in its own way. */
export function auditTerms({ counter, max_id, rows, purged, sum_hits }: Audit): Term[] {
  // Retention may have removed every row, and then there is no highest number to compare.
  const emptied = max_id === 0 && purged === counter
  const terms: Omit<Term, 'equal'>[] = [
    { name: 'the counter', value: counter },
    ...(emptied ? [] : [{ name: 'the log’s highest number', value: max_id }]),
    {
      name: 'rows ever logged',
      value: rows + purged,
      parts: [
        { name: 'in the log', value: rows },
        { name: 'removed since', value: purged },
      ],
    },
    { name: 'all servers’ hits together', value: sum_hits },
  ]
  return terms.map(term => ({ ...term, equal: term.value === counter }))
}
