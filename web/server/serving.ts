import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { answerMalformed } from './http/malformed-request.ts'
import { createRouter } from './http/router.ts'
import { routesOf } from './routes.ts'
import type { Parts } from './services.ts'

/** ms a connection from NGINX may rest: longer than NGINX lets it, so that no request meets a closing one. */
const keepAliveMs = 75_000
/** ms within which the answers under way must end once the replica no longer listens */
const lastAnswersMs = 4000

/**
 * Bytes of a request's head. NGINX lets through four buffers of 8 kB and adds headers of its own (nginx/conf/limits.conf), so
 * it is NGINX alone that refuses a head as too large, with words; Node's default of 16 kB would refuse it without any.
 */
const maxHeaderSize = 64 * 1024

/** Begins to answer on the replica's address. */
export async function beginServing(parts: Parts): Promise<Server> {
  const { host, port } = parts.environment
  const router = createRouter(routesOf(parts))
  const server = createServer({ keepAliveTimeout: keepAliveMs, maxHeaderSize }, (request, response) => {
    // A replica that leaves lets NGINX's connections go one by one, each after an answer.
    if (parts.readiness.leaving) response.setHeader('Connection', 'close')
    router(request, response)
  })
  server.on('clientError', answerMalformed)
  if (parts.environment.development) {
    server.on('upgrade', (request, socket, head) => parts.next.upgrade(request, socket, head))
  }
  // Room for all page views that NGINX lets in: Node waits for 511 only, and NGINX for a connection 500 ms.
  server.listen({ port, host, backlog: 4096 })
  await once(server, 'listening')
  return server
}

/**
 * Leaves without losing a page view: goes on answering for `drainSeconds`, then takes no new connection, answers what
 * is under way, and ends the streams, whose dashboards reconnect elsewhere.
 */
export async function endServing(server: Server, parts: Parts): Promise<void> {
  parts.readiness.leave()
  await parts.heartbeat.run()
  await pause(parts.environment.drainSeconds * 1000)
  const closed = once(server, 'close')
  server.close()
  parts.feed.close()
  const cut = setTimeout(() => server.closeAllConnections(), lastAnswersMs)
  await closed
  clearTimeout(cut)
  await parts.queue.close()
}
