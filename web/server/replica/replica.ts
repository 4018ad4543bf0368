import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Environment } from '../config.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { retryOnTrouble } from '../db/query.ts'
import { checkLimits, endServer, registerServer } from '../db/servers.ts'
import { answerMalformed, createRouter } from '../http/router.ts'
import { checkAddressFree, type Identity, ownAddress, srvIdOf } from '../identity.ts'
import { startNextApp } from '../render/start-next-app.ts'
import { startUpkeep } from '../retention/retention.ts'
import { routesOf } from './routes.ts'
import { createServices, type Registered, type Services } from './services.ts'

/** ms a database gets that does not answer while a replica starts. */
const patience = 15_000

type Replica = { identity: Identity; stop(): Promise<void> }

/**
 * Starts one life of a replica in this process; `nextDir` is where Next finds its app. It listens once it can serve: until
 * then NGINX is refused, and passes by. @throws when the address is taken, the database is away or the page cannot be
 * rendered
 */
export async function startReplica(environment: Environment, nextDir: string): Promise<Replica> {
  await checkAddressFree(environment.host, environment.port)
  const pools = openPools(environment.databaseUrl)
  try {
    // Before it registers: from then on it must be heard of, and loading Next can take all of a busy machine's time.
    const next = await startNextApp(nextDir, environment.development)
    const registered = await retryOnTrouble(() => register(pools, environment), patience)
    const { identity } = registered
    const warning = await checkLimits(pools.read)
    if (warning) console.error(warning)
    const parts = createServices(environment, registered, pools, next)
    await parts.heartbeat.run()
    await retryOnTrouble(() => parts.pages.current(), patience)
    parts.readiness.pageRendered()
    const server = await beginServing(parts)
    // At once, so that the board shows it as soon as it serves.
    await parts.heartbeat.run()
    await parts.drainWatch.run()
    const stopUpkeep = startUpkeep(pools, environment.logLimits, parts.requestIds, undefined, {
      onPurged: rows => parts.metrics.purgedRows.inc(rows),
      onClock: doubted => parts.metrics.retentionStopped.set(doubted ? 1 : 0),
    })
    return {
      identity,
      async stop() {
        stopUpkeep()
        await endServing(server, parts)
        parts.commitHealth.stop()
        await Promise.all([parts.drainWatch.stop(), parts.heartbeat.stop()])
        await endServer(pools.write, identity.id).catch(() => {})
        await closePools(pools)
      },
    }
  } catch (error) {
    await closePools(pools)
    throw error
  }
}

async function register(pools: Pools, environment: Environment): Promise<Registered> {
  const address = environment.serverAddress ?? ownAddress(environment.host, environment.port)
  const srvId = srvIdOf(address)
  const place = { srvId, address, name: environment.serverName }
  const { id, name, earlier } = await registerServer(pools.write, place, environment.stickySeconds)
  return { identity: { id, name, address, srv_id: srvId }, earlier }
}

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
async function beginServing(parts: Services): Promise<Server> {
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
async function endServing(server: Server, parts: Services): Promise<void> {
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
