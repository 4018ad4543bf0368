import type { LogPage } from '../../shared/api.ts'

const pageLength = 50

/**
 * A full page of the log, if `steps` calls find one: each looks through a bounded stretch, and where rows are rare it
 * comes back with few. `ask` answers the rows below a number, null = from the newest on.
 */
export async function walkLog(
  ask: (before: number | null) => Promise<LogPage>,
  before: number | null,
  steps: number,
): Promise<LogPage> {
  const first = await ask(before)
  let { rows, next } = first
  for (let step = 1; step < steps && next !== null && rows.length < pageLength; step++) {
    const page = await ask(next)
    rows = [...rows, ...page.rows]
    next = page.next
  }
  const cut = rows.slice(0, pageLength)
  return { rows: cut, next: rows.length > pageLength ? (cut.at(-1)?.id ?? next) : next }
}
