import { z } from 'zod'
import { DatabaseTrouble } from '../error-code.ts'
import { ask } from './ask.ts'
import { highestNumber } from './commit-hits.ts'
import { byGoneAt, seenWithinSql } from './liveness.ts'
import { connectionsPerReplica, type ReadPool } from './pools.ts'

/** What the database has room for, and what is there. */
type Limits = {
  /** connections that it takes */
  connections: number
  /** replicas that are alive, this one among them */
  replicas: number
  counter: bigint
}

/** Connections that are not the replicas': of people, migrations, health checks and the server itself. */
const otherConnections = 10

const sql = `SELECT @@max_connections AS connections,
    (SELECT COUNT(*) FROM server ${byGoneAt} WHERE gone_at IS NULL AND stopped_at IS NULL AND ${seenWithinSql('server', 'lost')}) AS replicas,
    CAST(value AS CHAR) AS counter
  FROM global_counter WHERE id = 1`

const row = z.tuple([
  z.object({
    connections: z.number().int(),
    replicas: z.number().int(),
    counter: z.string().transform(BigInt),
  }),
])

/**
 * Whether the database has room for its replicas and for the next numbers, asked once a replica is registered.
 * @returns a sentence where it has not; null = it has
 * @throws DatabaseTrouble when it does not answer, or when its counter is too high to be shown
 */
export async function checkLimits(pool: ReadPool): Promise<string | null> {
  const [limits] = row.parse(await ask(pool, sql))
  if (limits.counter > highestNumber)
    throw new DatabaseTrouble(
      `its counter stands at ${limits.counter}, and no number past ${highestNumber} can be shown`,
    )
  return connectionWarning(limits)
}

export function connectionWarning({ connections, replicas }: Omit<Limits, 'counter'>): string | null {
  const needed = replicas * connectionsPerReplica + otherConnections
  if (needed <= connections) return null
  return (
    `The database takes ${connections} connections, and ${replicas} replicas with up to ${connectionsPerReplica} each ` +
    `and ${otherConnections} others need ${needed}: raise max_connections, or run fewer replicas.`
  )
}
