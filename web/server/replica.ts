import { checkAddressFree } from './check-address-free.ts'
import { checkLimits } from './db/check-limits.ts'
import { endServer } from './db/end-server.ts'
import { patiently } from './db/patiently.ts'
import { closePools, openPools, type Pools } from './db/pools.ts'
import { registerServer } from './db/register-server.ts'
import type { Environment } from './environment.ts'
import type { Identity } from './identity.ts'
import { ownAddress } from './own-address.ts'
import { startNextApp } from './render/start-next-app.ts'
import { startUpkeep } from './retention/upkeep.ts'
import { assembleParts, type Registered } from './services.ts'
import { beginServing, endServing } from './serving.ts'
import { srvIdOf } from './srv-id.ts'

/** ms a database gets that does not answer while a replica starts. */
const patience = 15_000

export type Replica = { identity: Identity; stop(): Promise<void> }

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
    const registered = await patiently(() => register(pools, environment), patience)
    const { identity } = registered
    const warning = await checkLimits(pools.read)
    if (warning) console.error(warning)
    const parts = assembleParts(environment, registered, pools, next)
    await parts.heartbeat.run()
    await patiently(() => parts.pages.current(), patience)
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
