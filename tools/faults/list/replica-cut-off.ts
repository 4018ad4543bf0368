import { setTimeout as pause } from 'node:timers/promises'
import type { DatabaseProxy } from '../../lib/database-proxy.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import { checkSpread } from '../new-visitors.ts'

const forMs = 6000

/** The other replicas can serve its visitors, with a cookie or without: so they do. */
export const replicaCutOff = cutOff('replica-cut-off', 'refused', proxy => proxy.refuse())

/** The database seems to be there and says nothing: what was sent to it may arrive later. */
export const replicaUnheard = cutOff('replica-unheard', 'met with silence', async proxy => proxy.silence())

function cutOff(name: string, how: string, begin: (proxy: DatabaseProxy) => Promise<void>): Fault {
  return {
    name,
    title: `one replica’s connections to the database ${how} for ${forMs / 1000} s`,
    allows: [],
    takes: 1,
    recoversWithin: afterDatabase,
    async inject(ground) {
      const proxy = ground.proxyOf(ground.someReplica())
      await begin(proxy)
      await pause(forMs)
      await proxy.restore()
    },
    check: checkSpread,
  }
}
