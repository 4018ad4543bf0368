import { readBoard } from '../server/db/board.ts'
import type { ReadPool } from '../server/db/pools.ts'
import { readAudit } from '../server/db/read-audit.ts'
import { readClock } from '../server/db/read-clock.ts'
import { readHistory } from '../server/db/read-history.ts'
import { readLogPage } from '../server/db/read-log-page.ts'
import type { LogFilter } from '../server/db/read-log-rows.ts'
import { historyBuckets } from '../server/endpoints/history-buckets.ts'
import { addressRange } from '../server/http/address-range.ts'
import type { HistoryRange } from '../shared/api.ts'

export type Question = { name: string; ask(read: ReadPool): Promise<unknown> }

const whole = (address: string) => address

function page(name: string, filter: Partial<LogFilter>, before = Number.MAX_SAFE_INTEGER): Question {
  const all = { srvId: null, clientAddresses: null, ...filter }
  return { name, ask: read => readLogPage(read, all, { before, limit: 200 }, whole) }
}

const history = (range: HistoryRange): Question => ({
  name: `history of ${range}`,
  ask: async read => readHistory(read, historyBuckets(range, await readClock(read))),
})

/** Everything a visitor can have the database asked, on a log with `highest` rows and a server that had many lives. */
export function questions(highest: number, srvId: string): Question[] {
  const middle = Math.floor(highest / 2)
  const clientAddresses = addressRange('192.0.2.7', 'full')
  return [
    {
      name: 'snapshot',
      ask: read => readBoard(read, 60_000, { after: 0, limit: 50, showAddress: whole }),
    },
    page('page: newest', {}),
    page('page: from the middle', {}, middle),
    page('page: one server', { srvId }),
    page('page: one server, from the middle', { srvId }, middle),
    page('page: no such server', { srvId: '0'.repeat(32) }),
    page('page: no such client', { clientAddresses }),
    page('page: no such client, from the middle', { clientAddresses }, middle),
    page('page: one server, no such client', { srvId, clientAddresses }),
    { name: 'audit', ask: readAudit },
    history('5m'),
    history('1h'),
    history('24h'),
  ]
}
