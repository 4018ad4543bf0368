import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { ReadPool } from '../server/db/pools.ts'

/** A statement as it was sent. */
export type Sent = { sql: string; values: unknown[] }

const sent = z.object({ sql: z.string(), values: z.array(z.unknown()) })

/** The same pool, which tells `note` of every statement that goes over a connection of it. */
export function recordedPool(read: ReadPool, note: (statement: Sent) => void): ReadPool {
  return new Proxy(read, {
    get(pool, key) {
      if (key !== 'getConnection') return Reflect.get(pool, key, pool)
      return async () => recordedConnection(await pool.getConnection(), note)
    },
  })
}

function recordedConnection(connection: PoolConnection, note: (statement: Sent) => void): PoolConnection {
  return new Proxy(connection, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...values: unknown[]) => {
        if (key === 'query') note(sent.parse(values[0]))
        return Reflect.apply(value, target, values)
      }
    },
  })
}
