import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getTestContext } from 'node:test'
import { ownerAccount, replicaAccount } from './database-accounts.ts'
import { abortOnSignals } from './terminal.ts'
import { poll } from './wait.ts'

const defaultMs = 90_000

/**
 * Polls until `check` returns neither null, false nor undefined, and returns that. A wait also ends with the time limit of the
 * test that began it: so the test goes on to its end and ends its processes.
 * @throws after `ms`, or at the test's limit, or the error of `check`
 */
export async function eventually<T>(check: () => Promise<T> | T, { ms = defaultMs, everyMs = 20 } = {}) {
  const limit = getTestContext()?.signal
  const endsAtLimit = limit?.aborted === false // not while a test past its limit cleans up
  const result = await poll(
    () => {
      if (endsAtLimit) limit.throwIfAborted()
      return check()
    },
    ms,
    everyMs,
  )
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

/** What runs beside a command: variables for the command's environment, and a function that ends it. */
export type Companion = { environment: Record<string, string>; stop(): Promise<void> }

/**
 * Starts a companion, runs a command beside it, and ends the companion after the command. Passes signals on to the command.
 * This process then ends in the same way as the command.
 */
export async function runBeside(
  [program, ...parameters]: string[],
  start: (signal: AbortSignal) => Promise<Companion>,
): Promise<void> {
  if (!program) return fail('usage: <this command> <command> [arguments]')
  const starting = new AbortController()
  let onSignal = (_name: NodeJS.Signals) => starting.abort()
  abortOnSignals(name => onSignal(name))
  const companion = await start(starting.signal).catch(fail)
  if (!companion) return
  try {
    if (starting.signal.aborted) return fail('stopped by a signal')
    const child = spawn(program, parameters, {
      stdio: 'inherit',
      env: { ...process.env, ...companion.environment },
    })
    onSignal = name => child.kill(name)
    const [status, signal] = await ended(child)
    process.exitCode = status ?? 1
    if (signal) process.once('exit', () => endBy(signal))
  } catch (error) {
    fail(error)
  } finally {
    await companion.stop()
  }
}

type Ending = [status: number | null, signal: NodeJS.Signals | null]

function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('exit', (status, signal) => resolve([status, signal])).once('error', reject)
  })
}

function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

function fail(reason: unknown): void {
  console.error(reason instanceof Error ? reason.message : reason)
  process.exitCode = 1
}
