import { z } from 'zod'

/** The answer of /api/audit. */
export const auditAnswer = z.object({
  counter: z.number(),
  max_id: z.number(),
  rows: z.number(),
  purged: z.number(),
  sum_hits: z.number(),
  consistent: z.boolean(),
})

/** The figures as an equation, with ≠ where one differs from the counter, and what it comes to. */
export function auditText(audit: z.output<typeof auditAnswer>): string {
  const { counter, max_id, rows, purged, sum_hits, consistent } = audit
  const besides = (value: number) => (value === counter ? '=' : '≠')
  // An empty log has no highest id; its rows were purged, or never were.
  const newest = rows === 0 ? '' : `${besides(max_id)} highest id ${max_id} `
  const log = `${besides(rows + purged)} rows ${rows} + purged ${purged}`
  const hits = `${besides(sum_hits)} hits of all servers ${sum_hits}`
  const verdict = consistent ? 'consistent: nothing lost, nothing counted twice' : 'NOT consistent'
  return `counter ${counter} ${newest}${log} ${hits}\n${verdict}`
}
