import { setTimeout as pause } from 'node:timers/promises'
import type { DatabaseProxy, Fate } from '../../lib/database-proxy.ts'
import { afterDatabase, type Fault } from '../testbed/fault.ts'
import { checkSpread } from '../testbed/load.ts'
import { replicas } from '../testbed/testbed.ts'

const cuts = 24
/** ms between two: a batch that was cut is not cut again when it is tried again, for as long as it has time */
const pauseBetweenCutsMs = 100
/** ms until one that no batch has met is given up */
const cutTimeoutMs = 2000

/** Half of the cuts leave the batch incomplete, half of them the answer to its commit: at any byte, the first as well. */
export const connectionCut: Fault = {
  name: 'connection-cut',
  title: `a connection cut in the middle of a commit, ${cuts} times`,
  allows: [],
  catches: cuts,
  recoversWithin: afterDatabase,
  async inject(ground) {
    let met = 0
    for (let cut = 0; cut < cuts; cut++) {
      const replica = ground.parts().replicas[cut % replicas]
      const kind = cut % 2 === 0 ? 'cut-answer' : 'cut-request'
      const fate: Fate = { kind, afterBytes: ground.random.between(0, 60) }
      if (replica && (await cutOnce(ground.proxyOf(replica), fate))) met++
      await pause(pauseBetweenCutsMs)
    }
    if (met === 0) throw new Error('no commit met a cut')
  },
}

/** @returns whether a batch met it */
async function cutOnce(proxy: DatabaseProxy, fate: Fate): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  proxy.trap('COMMIT', fate, () => resolve(true))
  const met = await Promise.race([promise, pause(cutTimeoutMs, false, { ref: false })])
  proxy.disarm()
  return met
}

/** Longer than a page view may wait for its number. */
const forMs = 3000

/** The batch is committed, and its replica is not told in time: it must say that it does not know. */
export const answerHeld: Fault = {
  name: 'answer-held',
  title: `the answer to a commit held back for ${forMs / 1000} s`,
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const proxy = ground.proxyOf(ground.someReplica())
    const { promise, resolve } = Promise.withResolvers<void>()
    proxy.trap('COMMIT', { kind: 'hold-answer', forMs }, resolve)
    await promise
    await pause(forMs)
  },
}

const cutOffMs = 6000

/** The other replicas can serve its visitors, with a cookie or without: so they do. */
export const replicaCutOff = cutOff('replica-cut-off', 'refused', proxy => proxy.refuse())

/** The database seems to be there and says nothing: what was sent to it may arrive later. */
export const replicaUnheard = cutOff('replica-unheard', 'met with silence', async proxy => proxy.silence())

function cutOff(name: string, how: string, begin: (proxy: DatabaseProxy) => Promise<void>): Fault {
  return {
    name,
    title: `one replica’s connections to the database ${how} for ${cutOffMs / 1000} s`,
    allows: [],
    takes: 1,
    recoversWithin: afterDatabase,
    async inject(ground) {
      const proxy = ground.proxyOf(ground.someReplica())
      await begin(proxy)
      await pause(cutOffMs)
      await proxy.restore()
    },
    check: checkSpread,
  }
}
