import type { Audit } from '../../shared/api.ts'

/** A figure that must equal the counter, and its parts. */
export type Term = {
  name: string
  value: number
  /** "104,200 in the log + 61 removed" */
  parts?: { name: string; value: number }[]
  equal: boolean
}

/** The counter, and the figures that must equal it. */
export function auditTerms({ counter, max_id, rows, purged, sum_hits }: Audit): Term[] {
  // If retention removed every row, there is no highest number to compare.
  const emptied = max_id === 0 && purged === counter
  const terms: Omit<Term, 'equal'>[] = [
    { name: 'the counter', value: counter },
    ...(emptied ? [] : [{ name: 'the log’s highest number', value: max_id }]),
    {
      name: 'rows ever logged',
      value: rows + purged,
      parts: [
        { name: 'in the log', value: rows },
        { name: 'removed', value: purged },
      ],
    },
    { name: 'sum of all servers’ hits', value: sum_hits },
  ]
  return terms.map(term => ({ ...term, equal: term.value === counter }))
}
