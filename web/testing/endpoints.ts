// Support for the tests of web/server: endpoints behind the real router, databases with rows, a hit store that fails on
// request, and what a query costs. The tests beside the server's modules call it; the build never sees it.

import mysql from 'mysql2/promise'
import { createTestDatabase } from '../../prisma/testing/test-database.ts'
import { startStubServer } from '../../tools/lib/testing.ts'
import { closePools, openPools, openReadPool, type ReadPool } from '../server/db/pools.ts'
import { createRouter, type Endpoint, type SendError } from '../server/http/router.ts'

/** A migrated, empty database for one test. */
export async function openDatabase() {
  const database = await createTestDatabase()
  const read = openReadPool(database.url)
  const fill = mysql.createPool({ uri: database.url, timezone: 'Z', connectionLimit: 4 })
  return {
    url: database.url,
    read,
    fill,
    close: async () => {
      await Promise.all([read.end(), fill.end()])
      await database.drop()
    },
  }
}

/** A migrated, empty database with the pools that a replica has. */
export async function openPooledDatabase() {
  await using resources = new AsyncDisposableStack()
  const { url } = resources.use(await createTestDatabase())
  const pools = openPools(url)
  resources.defer(() => closePools(pools))
  const kept = resources.move()
  const close = () => kept.disposeAsync()
  return { url, pools, close, [Symbol.asyncDispose]: close }
}

/** Serves one endpoint on a free port, behind the replica's router. */
export async function serve(endpoint: Endpoint, sendError?: SendError) {
  let requests = 0
  const router = createRouter({
    exact: { '/': { GET: endpoint, HEAD: endpoint } },
    fallback: (_request, response) => void response.writeHead(404).end(),
    onError: () => {},
    ...(sendError && { sendError }),
  })
  const server = await startStubServer((request, response) => {
    requests += 1
    router(request, response)
  })
  const { url } = server
  return {
    url,
    requests: () => requests,
    /** the JSON answer to a query, e.g. `?limit=2`, with its status */
    get: async (query = '') => {
      const response = await fetch(url + query)
      return { status: response.status, body: await response.json() }
    },
    close: () => server[Symbol.asyncDispose](),
  }
}

/** The same pool, but every query and every connection waits for `before` first. */
export function watched(read: ReadPool, before: () => Promise<void> | void): ReadPool {
  return new Proxy(read, {
    get(pool, key) {
      const value: unknown = Reflect.get(pool, key)
      if (typeof value !== 'function') return value
      const isRead = key === 'query' || key === 'getConnection'
      return async (...values: unknown[]) => {
        if (isRead) await before()
        return Reflect.apply(value, pool, values)
      }
    },
  })
}

/** A gate that is closed until `open`. */
export function closedGate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { pass: () => promise, open: resolve }
}
