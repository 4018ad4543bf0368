import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownerAccount, replicaAccount } from './database-accounts.ts'
import { poll } from './wait.ts'

/** Shorter than a test's time limit: a test that exceeds its limit leaves its processes running. */
const defaultMs = 90_000

/** Polls until `check` returns neither null, false nor undefined, and returns that. @throws after `ms`, or the error of `check` */
export async function eventually<T>(check: () => Promise<T> | T, { ms = defaultMs, everyMs = 20 } = {}) {
  const result = await poll(check, ms, everyMs)
  if (result === null) throw new Error(`timed out after ${ms} ms, waiting for: ${check}`)
  return result
}

/** A new temporary folder, removed when it goes out of scope. Its name begins with `name`. */
export const temporaryFolder = (name = 'board-') => mkdtempDisposable(join(tmpdir(), name))

/**
 * A server for one test, on a free port of 127.0.0.1. Takes an HTTP request listener, or a server of `node:http` or `node:net`
 * that does not listen yet. Closes with all connections when it goes out of scope.
 */
export async function startStubServer(serverOrListener: RequestListener | Server) {
  const server = typeof serverOrListener === 'function' ? createServer(serverOrListener) : serverOrListener
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('the stub does not listen on a port')
  const closeConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    closeConnections,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      closeConnections()
      await closed
    },
  }
}

/** What the database refuses to the account of the replicas. `host`: from which its accounts sign in. */
export const statementsRefusedToReplicas = (host: string) => [
  'CREATE TABLE other (id INT)',
  'DROP TABLE access_log',
  'ALTER TABLE access_log ADD COLUMN note INT',
  'TRUNCATE access_log',
  'TRUNCATE server_event',
  'CREATE DATABASE other',
  `CREATE USER 'other'@'${host}'`,
  `GRANT ALL PRIVILEGES ON *.* TO '${replicaAccount}'@'${host}'`,
  `ALTER USER '${ownerAccount}'@'${host}' IDENTIFIED BY 'other'`,
  'SET GLOBAL max_connections = 1',
  'SELECT * FROM mysql.user',
  "SELECT 1 INTO OUTFILE '/tmp/board-accounts-test'",
]
