import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import mysql from 'mysql2/promise'
import { createTestDatabase } from '../../local/database/test-database.ts'
import { openReadPool, type ReadPool } from '../database/pools.ts'
import { sendError } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { AnswerError } from '../http/errors.ts'

/** A database of the test's own, migrated and empty. */
export async function openDatabase() {
  const database = await createTestDatabase()
  const read = openReadPool(database.url)
  const fill = mysql.createPool({ uri: database.url, timezone: 'Z', connectionLimit: 4 })
  return {
    read,
    fill,
    close: async () => {
      await Promise.all([read.end(), fill.end()])
      await database.drop()
    },
  }
}

/** One endpoint at an address of its own, its errors sent as the replica's router sends them. */
export async function serve(endpoint: Endpoint) {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    void answer(endpoint, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    requests: () => requests,
    /** the JSON answer to a query such as `?limit=2`, with its status */
    get: async (query = '') => {
      const response = await fetch(url + query)
      return { status: response.status, body: await response.json() }
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await endpoint(request, response, new URL(request.url ?? '/', 'http://localhost'))
  } catch (error) {
    if (response.headersSent) response.destroy()
    else sendError(response, error instanceof AnswerError ? error : new AnswerError(500, 'failed', String(error)))
  }
}

/** The same pool, but each read, or connection taken, waits for `before` first. */
export function watched(read: ReadPool, before: () => Promise<void> | void): ReadPool {
  const isRead = (key: string | symbol) => key === 'query' || key === 'getConnection'
  return new Proxy(read, {
    get(pool, key) {
      const value: unknown = Reflect.get(pool, key)
      if (typeof value !== 'function') return value
      const call = (...values: unknown[]): unknown => Reflect.apply(value, pool, values)
      return isRead(key) ? async (...values: unknown[]) => (await before(), call(...values)) : call
    },
  })
}

/** Holds whoever passes until it is opened. */
export function closedGate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { pass: () => promise, open: resolve }
}

/** Asks again until it holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 10))
}
