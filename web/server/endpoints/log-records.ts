import type { LogRow } from '../../shared/api.ts'
import type { ReadPool } from '../db/pools.ts'
import { readLogPage } from '../db/read-log-page.ts'
import { csvRecord } from './csv.ts'
import type { LogSelection } from './log-selection.ts'

/** rows read at once: short queries, between which hits and pages have their turn */
const chunkRows = 1000

const header = csvRecord([
  'id',
  'at',
  'client_ip',
  'srv_id',
  'server',
  'arrival',
  'moved_from_srv_id',
  'moved_from_server',
])

/** The selected rows as records under a header, a page of the log at a time. */
export async function* logRecords(
  read: ReadPool,
  { filter, before, limit }: LogSelection,
  showAddress: (address: string) => string,
): AsyncGenerator<string> {
  let next: number | null = before
  let left = limit
  let text = header
  while (next !== null && left > 0) {
    const place = { before: next, limit: Math.min(left, chunkRows) }
    const page = await readLogPage(read, filter, place, showAddress)
    // Also where nothing was found: it is here that the walk can end, should the client have left.
    yield text + page.rows.map(record).join('')
    text = ''
    next = page.next
    left -= page.rows.length
  }
}

function record({ id, at, client_ip, srv_id, server, arrival, moved_from }: LogRow): string {
  const from = moved_from ?? { srv_id: null, name: null }
  return csvRecord([id, at, client_ip, srv_id, server, arrival, from.srv_id, from.name])
}
