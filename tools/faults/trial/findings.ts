import type { Connection } from 'mysql2/promise'
import { z } from 'zod'
import type { Answer } from '../../lib/visitors.ts'

/** Result of the comparison between the visitors' answers and the database */
export type Findings = {
  /** answers whose number is not in the log, or is there for another request */
  lost: Answer[]
  /** further log rows of a request that is in the log already */
  countedTwice: LoggedHit[]
  /** in the log, although the answer was "not counted" */
  countedAfterAll: LoggedHit[]
  /** in the log, and the answer was that the outcome is unknown */
  inDoubt: LoggedHit[]
  /** in the log, and the visitor got no answer */
  unanswered: LoggedHit[]
  /** in the log, and no visitor of this run sent it */
  unexplained: LoggedHit[]
  /** numbers up to the counter that are not in the log */
  gaps: number
  /** rows with an earlier time than the row before */
  backwards: number
  /** the counter at the end */
  counter: number
  /** counter, highest id, rows and sum of hits; all must be equal */
  totals: number[]
}

/** Codes of answers whose page view may be in the log: from a replica, and from NGINX if no replica answers */
const inDoubtCodes = new Set(['outcome_unknown', 'no_answer'])

/** @param before the counter before the first of these answers */
export function findIn(answers: Answer[], before: number, ledger: Ledger): Findings {
  const { logged } = ledger
  const byNumber = new Map(logged.map(hit => [hit.id, hit]))
  const answered = answers.filter(answer => answer.hit !== null)
  const answeredIds = new Set(answered.map(answer => answer.requestId))
  const refused = new Map(
    answers.filter(({ status }) => status >= 400).map(answer => [answer.requestId, answer]),
  )
  const silent = Map.groupBy(
    answers.filter(({ status }) => status === 0),
    ({ from }) => from,
  )

  const firsts = new Map(logged.toReversed().map(hit => [hit.requestId, hit]))
  const once = logged.filter(hit => firsts.get(hit.requestId) === hit)
  const unreported = once.filter(hit => !answeredIds.has(hit.requestId))
  const refusalOf = (hit: LoggedHit) => refused.get(hit.requestId)
  const isInDoubt = (hit: LoggedHit) => mayBeCounted(refusalOf(hit))
  const stray = Map.groupBy(
    unreported.filter(hit => refusalOf(hit) === undefined),
    hit => hit.clientIp,
  )
  const silentCount = (address: string) => silent.get(address)?.length ?? 0
  return {
    lost: answered.filter(({ hit, requestId }) => byNumber.get(hit ?? 0)?.requestId !== requestId),
    countedTwice: logged.filter(hit => firsts.get(hit.requestId) !== hit),
    countedAfterAll: unreported.filter(hit => refusalOf(hit) !== undefined && !isInDoubt(hit)),
    inDoubt: unreported.filter(isInDoubt),
    unanswered: [...stray].flatMap(([address, hits]) => hits.slice(0, silentCount(address))),
    unexplained: [...stray].flatMap(([address, hits]) => hits.slice(silentCount(address))),
    gaps: ledger.counter - before - logged.length,
    backwards: logged.filter((hit, index) => hit.at < (logged[index - 1]?.at ?? '')).length,
    counter: ledger.counter,
    totals: [ledger.counter, ledger.maxId, ledger.rows, ledger.sumHits],
  }
}

function mayBeCounted(answer: Answer | undefined): boolean {
  return answer !== undefined && (answer.earlierTry || inDoubtCodes.has(answer.code ?? ''))
}

/** Number of transactions that wrote these rows: all rows of a transaction share their server and time. */
export const countBatches = (hits: LoggedHit[]) =>
  new Set(hits.map(({ serverId, at }) => `${serverId} ${at}`)).size

/** A row of `access_log` */
export type LoggedHit = { id: number; requestId: string; clientIp: string; serverId: number; at: string }

/** What the database has counted */
export type Ledger = {
  counter: number
  maxId: number
  rows: number
  sumHits: number
  /** in the order of their numbers */
  logged: LoggedHit[]
}

const totalsRow = z.tuple([
  z.object({
    counter: z.coerce.number(),
    maxId: z.coerce.number(),
    rows: z.coerce.number(),
    sumHits: z.coerce.number(),
  }),
])
const loggedHits = z.array(
  z.object({
    id: z.coerce.number(),
    requestId: z.string(),
    clientIp: z.string(),
    serverId: z.number(),
    at: z.string(),
  }),
)

/** Reads the totals, and the log rows after number `after`, in one consistent read. */
export async function readLedger(connection: Connection, after: number): Promise<Ledger> {
  await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT')
  const [totals] = await connection.query(`SELECT (SELECT value FROM global_counter WHERE id = 1) AS counter,
    (SELECT COALESCE(MAX(id), 0) FROM access_log) AS maxId, (SELECT COUNT(*) FROM access_log) AS \`rows\`,
    (SELECT SUM(hits) FROM server) AS sumHits`)
  const [rows] = await connection.query(
    `SELECT id, request_id AS requestId, client_ip AS clientIp, server_id AS serverId, CAST(created_at AS CHAR) AS at
     FROM access_log WHERE id > ? ORDER BY id`,
    [after],
  )
  await connection.query('COMMIT')
  return { ...totalsRow.parse(totals)[0], logged: loggedHits.parse(rows) }
}
