import { databaseHitStore } from '../../web/server/db/hit-store.ts'
import { noOwnRow } from '../../web/server/db/page-view-numbers.ts'
import { closePools, openPools } from '../../web/server/db/pools.ts'
import { retryWhileUnavailable } from '../../web/server/db/query.ts'
import { registerServer } from '../../web/server/db/servers.ts'
import { defaultLimits, HitQueue } from '../../web/server/hits/hit-queue.ts'
import { CounterWatch } from '../../web/server/lifecycle/commit-health.ts'
import { sampleHit } from '../../web/testing/samples.ts'

/** The counting part of a replica, and visitors who come as fast as it answers. */
export async function startReplica(databaseUrl: string, address: string) {
  const pools = openPools(databaseUrl)
  const place = { srvId: address.replaceAll(/\D/g, '').padEnd(32, '0'), address, name: null }
  // As a replica does: while a restore waits for the tables, a try can fail.
  const register = () => retryWhileUnavailable(() => registerServer(pools.write, place), 30_000)
  const identity = { id: (await register()).id, srv_id: place.srvId }
  const answered: { requestId: string; id: number; at: number }[] = []
  const wentBack: [number, number][] = []
  const watch = new CounterWatch((from, to) => wentBack.push([from, to]))
  let rejoining = false
  let before = 0
  const queue = new HitQueue(databaseHitStore(pools.write, identity), defaultLimits, {
    onBatch: () => {
      before = watch.highest
    },
    onCounted: lastId => watch.note(lastId, before),
    onFailure: async failure => {
      if (failure.code !== noOwnRow || rejoining) return
      rejoining = true
      identity.id = (await register()).id
      rejoining = false
    },
  })
  let stopped = false
  const visiting = Array.from({ length: 5 }, async () => {
    while (!stopped) {
      const hit = sampleHit()
      const count = await queue.submit(hit).catch(() => null)
      if (count) answered.push({ requestId: hit.requestId, id: count.id, at: performance.now() })
    }
  })
  return {
    pools,
    answered,
    wentBack,
    async stop() {
      stopped = true
      await Promise.all(visiting)
      await queue.close()
      await closePools(pools)
    },
  }
}
