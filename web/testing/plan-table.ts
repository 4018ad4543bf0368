import { z } from 'zod'
import { ask } from '../server/db/ask.ts'
import type { ReadPool } from '../server/db/pools.ts'
import { type Question, questions } from './questions.ts'
import { recordedPool, type Sent } from './recorded-pool.ts'
import { rowsRead } from './rows-read.ts'

const rounds = 21

/** How the database answers each question, a line at a time, as Markdown. */
export async function* planTable(read: ReadPool): AsyncGenerator<string> {
  yield '| question | rows and index entries read | median ms | plan |\n| --- | ---: | ---: | --- |'
  const { highest, srv_id } = await readSubject(read)
  for (const question of questions(highest, srv_id)) yield await line(read, question)
}

async function line(read: ReadPool, { name, ask: put }: Question): Promise<string> {
  const statements: Sent[] = []
  await put(recordedPool(read, statement => statements.push(statement)))
  const plans = await Promise.all(statements.filter(isQuestion).map(statement => planOf(read, statement)))
  const examined = await rowsRead(read, () => put(read))
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now()
    await put(read)
    times.push(performance.now() - startedAt)
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]
  return `| ${name} | ${examined} | ${median?.toFixed(1)} | ${[...new Set(plans.flat())].join(', ')} |`
}

const isQuestion = ({ sql }: Sent) => sql.trimStart().startsWith('SELECT')

const step = z.object({
  table: z.string().nullable(),
  type: z.string().nullable(),
  key: z.string().nullable(),
})

/** "access_log range PRIMARY": what is looked into, how, by which key. */
async function planOf(read: ReadPool, { sql, values }: Sent): Promise<string[]> {
  const steps = z.array(step).parse(await ask(read, `EXPLAIN ${sql}`, values))
  return steps.flatMap(({ table, type, key }) => (table && type ? `${table} ${type} ${key ?? 'no key'}` : []))
}

const subject = z.tuple([z.object({ highest: z.number(), srv_id: z.string() })])

/** The highest number, and the server that had the most lives. */
async function readSubject(read: ReadPool) {
  const sql = `SELECT (SELECT MAX(id) FROM access_log) AS highest,
    (SELECT srv_id FROM server GROUP BY srv_id ORDER BY COUNT(*) DESC LIMIT 1) AS srv_id`
  return subject.parse(await ask(read, sql))[0]
}
