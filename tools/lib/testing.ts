import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { poll } from './wait.ts'

/** ms. Shorter than a test's time limit: a test that exceeds its limit leaves the processes it started running. */
const longest = 90_000

/** Polls until `ask` returns neither null, false nor undefined, and returns that. @throws after `ms`, or what `ask` throws */
export async function eventually<T>(ask: () => Promise<T> | T, { ms = longest, everyMs = 20 } = {}) {
  const answer = await poll(ask, ms, everyMs)
  if (answer === null) throw new Error(`waited in vain for: ${ask}`)
  return answer
}

/** A new folder among the system's temporary ones, removed when it goes out of scope. Its name begins with `name`. */
export const temporaryFolder = (name = 'board-') => mkdtempDisposable(join(tmpdir(), name))

/**
 * A server for one test, on a free port of 127.0.0.1: what answers HTTP, or a server of `node:http` or `node:net` that does
 * not listen yet. When it goes out of scope it closes, and cuts its connections.
 */
export async function startStubServer(what: RequestListener | Server) {
  const server = typeof what === 'function' ? createServer(what) : what
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
