import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { replicaHeadBytes, replicaKeepAliveMs } from '../../shared/limits.ts'
import { type Environment, readAdminToken } from '../config.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { retryWhileUnavailable } from '../db/query.ts'
import { checkLimits, endServer, registerServer } from '../db/servers.ts'
import { createHttpServer, createRouter } from '../http/router.ts'
import { checkAddressFree, type Identity, ownAddress, srvIdOf } from '../identity.ts'
import { log, useLog } from '../log.ts'
import type { Tracing } from '../metrics/tracing.ts'
import { startNextApp } from '../render/start-next-app.ts'
import { startUpkeep } from '../retention/retention.ts'
import { routesOf } from './routes.ts'
import { createServices, type Registered, type Services } from './services.ts'

/** ms to wait for an unavailable database while a replica starts. */
const databaseTimeoutMs = 15_000

type Replica = { identity: Identity; stop(): Promise<void> }

/**
 * Starts an instance of a replica in this process; `nextDir` contains Next's app. It opens its port only when it can serve, so
 * NGINX skips it until then. @throws if the address is taken, the database is unavailable or the page cannot be rendered
 */
export async function startReplica(environment: Environment, nextDir: string): Promise<Replica> {
  await checkAddressFree(environment.host, environment.port)
  const pools = openPools(environment.databaseUrl)
  try {
    // Load Next before registering: heartbeats are due from then on, and loading can take all of a busy machine's time.
    const next = await startNextApp(nextDir, environment.development)
    const registered = await retryWhileUnavailable(() => register(pools, environment), databaseTimeoutMs)
    const { identity } = registered
    // The name that it got, and any later one.
    useLog(environment.logFormat, () => identity.name)
    const warning = await checkLimits(pools.read)
    if (warning) log.warn(warning)
    if (readAdminToken(environment) === null)
      log.warn('control is closed: there is no valid token in ADMIN_TOKEN or ADMIN_TOKEN_FILE')
    const tracing = await loadTracing(environment, identity)
    const services = createServices(environment, registered, pools, next, tracing)
    await services.heartbeat.run()
    await retryWhileUnavailable(() => services.pages.current(), databaseTimeoutMs)
    services.readiness.pageRendered()
    const server = await beginServing(services)
    // Immediately, so that the board shows it as soon as it serves.
    await services.heartbeat.run()
    await services.wishWatch.run()
    const stopUpkeep = startUpkeep(pools, environment.logLimits, services.requestIds, undefined, {
      onPurged: rows => services.metrics.purgedRows.inc(rows),
      onClock(doubted, oldestRowAt) {
        services.metrics.retentionStopped.set(doubted ? 1 : 0)
        services.metrics.oldestRow.set(oldestRowAt.getTime() / 1000)
      },
      onAudit(audit) {
        services.metrics.noteAudit(audit, Date.now())
        if (!audit.consistent) log.error('THE AUDIT FOUND A DIFFERENCE: see docs/database.md', { audit })
      },
    })
    return {
      identity,
      async stop() {
        stopUpkeep()
        await endServing(server, services)
        services.commitHealth.stop()
        await Promise.all([services.wishWatch.stop(), services.heartbeat.stop()])
        await endServer(pools.write, identity.id).catch(() => {})
        await Promise.race([tracing?.stop(), pause(lastSpansMs)])
        await closePools(pools)
      },
    }
  } catch (error) {
    await closePools(pools)
    throw error
  }
}

/** ms for a stopping replica to send its last spans: a collector that hangs must not keep it from exiting */
const lastSpansMs = 1000

/** Loads OpenTelemetry only if spans are wanted: that takes 0.1 s and 20 MB. */
async function loadTracing({ tracing }: Environment, identity: Identity): Promise<Tracing | null> {
  if (!tracing) return null
  const { startTracing } = await import('../metrics/tracing.ts')
  return startTracing(tracing, identity)
}

async function register(pools: Pools, environment: Environment): Promise<Registered> {
  const address = environment.serverAddress ?? ownAddress(environment.host, environment.port)
  const srvId = srvIdOf(address)
  const place = { srvId, address, name: environment.serverName }
  const { id, name, earlier } = await registerServer(pools.write, place, environment.stickySeconds)
  return { identity: { id, name, address, srv_id: srvId }, earlier }
}

/** ms for running answers to end once the replica no longer listens */
const lastAnswersMs = 4000

/** Starts to answer on the replica's address. */
async function beginServing(services: Services): Promise<Server> {
  const { host, port } = services.environment
  const router = createRouter(routesOf(services))
  const server = createHttpServer(
    { keepAliveTimeout: replicaKeepAliveMs, maxHeaderSize: replicaHeadBytes },
    (request, response) => {
      // A stopping replica closes each of NGINX's connections after an answer.
      if (services.readiness.leaving) response.setHeader('Connection', 'close')
      router(request, response)
    },
  )
  if (services.environment.development) {
    server.on('upgrade', (request, socket, head) => services.next.upgrade(request, socket, head))
  }
  // Room for all page views that NGINX admits: Node's default is 511, and NGINX waits 500 ms for a connection.
  server.listen({ port, host, backlog: 4096 })
  await once(server, 'listening')
  return server
}

/**
 * Stops without losing a page view: goes on answering for `drainSeconds`, then accepts no new connection, finishes the running
 * answers and ends the live streams. Their dashboards reconnect elsewhere.
 */
async function endServing(server: Server, services: Services): Promise<void> {
  services.readiness.leave()
  await services.heartbeat.run()
  await pause(services.environment.drainSeconds * 1000)
  const closed = once(server, 'close')
  server.close()
  services.feed.close()
  const cut = setTimeout(() => server.closeAllConnections(), lastAnswersMs)
  await closed
  clearTimeout(cut)
  await services.queue.close()
}
