// The health check of a node, for the proxy: whether it may get clients. It runs in a thread, because the load of the test keeps
// the main one busy: if the answers came late, the proxy would take all nodes for down.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { Connection } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { z } from 'zod'

/** ms between two looks at a node, and the longest wait for its answer */
const everyMs = 200
const timeoutMs = 1000

const place = z.object({ url: z.string(), port: z.number() })

/** Answers 200 at `port` while the node at `url` may get clients, otherwise 503. */
export async function serveHealth(url: string, port: number): Promise<AsyncDisposable> {
  const data: z.infer<typeof place> = { url, port }
  const thread = new Worker(import.meta.filename, { workerData: data })
  await once(thread, 'message')
  return {
    async [Symbol.asyncDispose]() {
      await thread.terminate()
    },
  }
}

/** If the connection breaks, its next query fails. */
export async function connect(url: string, connectTimeout = timeoutMs): Promise<Connection> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout })
  connection.on('error', () => {})
  return connection
}

const statusRows = z.array(z.object({ name: z.string(), value: z.string() }))

/** What the node says of itself, by the lower-case names of Galera's status variables. */
export async function readStatus(
  connection: Connection,
  timeout = timeoutMs,
): Promise<Record<string, string>> {
  const [rows] = await connection.query({
    sql: `SELECT LOWER(variable_name) AS name, variable_value AS value FROM information_schema.global_status
      WHERE variable_name IN ('wsrep_ready', 'wsrep_local_state_comment', 'wsrep_cluster_size')`,
    timeout,
  })
  return Object.fromEntries(statusRows.parse(rows).map(({ name, value }) => [name, value]))
}

/**
 * A node may get clients if it is in the primary component and has all data. A node that is not accepts connections too, so a check
 * of the connection is not enough. Percona's `clustercheck` does the same.
 */
async function serve({ url, port }: z.infer<typeof place>): Promise<void> {
  let healthyAt = Number.NEGATIVE_INFINITY
  let connection: Connection | null = null
  async function look(): Promise<void> {
    connection ??= await connect(url)
    const { wsrep_ready, wsrep_local_state_comment } = await readStatus(connection)
    const isHealthy = wsrep_ready === 'ON' && wsrep_local_state_comment === 'Synced'
    healthyAt = isHealthy ? performance.now() : Number.NEGATIVE_INFINITY
  }
  let busy = false
  setInterval(() => {
    if (busy) return
    busy = true
    look()
      .catch(() => {
        connection?.destroy()
        connection = null
      })
      .finally(() => {
        busy = false
      })
  }, everyMs)
  const server = createServer((_request, response) => {
    const isHealthy = performance.now() - healthyAt < timeoutMs
    response.writeHead(isHealthy ? 200 : 503, { Connection: 'close' }).end()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

if (parentPort) {
  await serve(place.parse(workerData))
  parentPort.postMessage('listening')
}
