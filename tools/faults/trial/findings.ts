import type { Connection } from 'mysql2/promise'
import { z } from 'zod'
import type { Answer } from '../../lib/visitors.ts'

/** What is found when the record of what visitors were told is held against the database. */
export type Findings = {
  /** told a number that is not in the log, or stands there for another request */
  lost: Answer[]
  /** in the log again, for a request that is in it already */
  countedTwice: LoggedHit[]
  /** told "not counted", and in the log all the same */
  countedAfterAll: LoggedHit[]
  /** in the log for a page view that was told it may be */
  inDoubt: LoggedHit[]
  /** in the log for a visitor that got no answer */
  unheard: LoggedHit[]
  /** in the log, and no visitor of ours asked for it */
  unexplained: LoggedHit[]
  /** numbers up to the counter that are not in the log */
  gaps: number
  /** later numbers with earlier times */
  backwards: number
  /** how far the count has come */
  counter: number
  /** counter, highest id, rows and sum of hits; they agree when all are the same */
  figures: number[]
}

/** What a page view is told that may stand in the log: by a replica, and by NGINX where none answers; and what NGINX adds. */
const inDoubtCodes = new Set(['outcome_unknown', 'no_answer'])

/** `before` is the counter before the first of these answers. */
export function findIn(answers: Answer[], before: number, ledger: Ledger): Findings {
  const { logged } = ledger
  const byNumber = new Map(logged.map(hit => [hit.id, hit]))
  const told = answers.filter(answer => answer.hit !== null)
  const toldIds = new Set(told.map(answer => answer.requestId))
  const refused = new Map(
    answers.filter(({ status }) => status >= 400).map(answer => [answer.requestId, answer]),
  )
  const silent = Map.groupBy(
    answers.filter(({ status }) => status === 0),
    ({ from }) => from,
  )

  const firsts = new Map(logged.toReversed().map(hit => [hit.requestId, hit]))
  const once = logged.filter(hit => firsts.get(hit.requestId) === hit)
  const untold = once.filter(hit => !toldIds.has(hit.requestId))
  const refusalOf = (hit: LoggedHit) => refused.get(hit.requestId)
  const isInDoubt = (hit: LoggedHit) => mayBeCounted(refusalOf(hit))
  const stray = Map.groupBy(
    untold.filter(hit => refusalOf(hit) === undefined),
    hit => hit.clientIp,
  )
  const unanswered = (address: string) => silent.get(address)?.length ?? 0
  return {
    lost: told.filter(({ hit, requestId }) => byNumber.get(hit ?? 0)?.requestId !== requestId),
    countedTwice: logged.filter(hit => firsts.get(hit.requestId) !== hit),
    countedAfterAll: untold.filter(hit => refusalOf(hit) !== undefined && !isInDoubt(hit)),
    inDoubt: untold.filter(isInDoubt),
    unheard: [...stray].flatMap(([address, hits]) => hits.slice(0, unanswered(address))),
    unexplained: [...stray].flatMap(([address, hits]) => hits.slice(unanswered(address))),
    gaps: ledger.counter - before - logged.length,
    backwards: logged.filter((hit, index) => hit.at < (logged[index - 1]?.at ?? '')).length,
    counter: ledger.counter,
    figures: [ledger.counter, ledger.maxId, ledger.rows, ledger.sumHits],
  }
}

function mayBeCounted(answer: Answer | undefined): boolean {
  return answer !== undefined && (answer.earlierTry || inDoubtCodes.has(answer.code ?? ''))
}

/** How many transactions these rows came in: all rows of one have its server and its time. */
export const countBatches = (hits: LoggedHit[]) =>
  new Set(hits.map(({ serverId, at }) => `${serverId} ${at}`)).size

/** A row of the log, as the database has it. */
export type LoggedHit = { id: number; requestId: string; clientIp: string; serverId: number; at: string }

/** What the database says of all that was counted. */
export type Ledger = {
  counter: number
  maxId: number
  rows: number
  sumHits: number
  /** in the order of their numbers */
  logged: LoggedHit[]
}

const figures = z.tuple([
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

/** Reads the figures, and the log from the number after `after`, in one consistent read. */
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
  return { ...figures.parse(totals)[0], logged: loggedHits.parse(rows) }
}
