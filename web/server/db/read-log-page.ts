import type { LogPage } from '../../shared/api.ts'
import type { ReadPool } from './pools.ts'
import { readLogEnds } from './read-log-ends.ts'
import { type LogFilter, readLogRows } from './read-log-rows.ts'
import { readNewestOfServer } from './read-newest-of-server.ts'

/** How many numbers one page looks at, whatever it finds. */
const scanned = 5000

type PagePlace = {
  /** rows below this number */
  before: number
  /** rows at most; fewer, or none, is not the log's end: `next` says that */
  limit: number
}

/** One page of the log, newest first. `showAddress` says how an address is shown. */
export async function readLogPage(
  read: ReadPool,
  filter: LogFilter,
  { before, limit }: PagePlace,
  showAddress: (address: string) => string,
): Promise<LogPage> {
  const ends = await readLogEnds(read, before)
  // So that a server that left long ago is found at once, not after a walk through all that came since.
  const newest = filter.srvId === null ? ends.newest : await readNewestOfServer(read, filter.srvId, before)
  if (ends.oldest === null || newest === null) return { rows: [], next: null }

  const from = Math.max(ends.oldest, newest - scanned + 1)
  const found = await readLogRows(read, filter, { from, to: newest, limit: limit + 1 }, showAddress)
  const rows = found.slice(0, limit)
  if (found.length > limit) return { rows, next: rows.at(-1)?.id ?? null }
  return { rows, next: from > ends.oldest ? from : null }
}
