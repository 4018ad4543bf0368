import { setTimeout as pause } from 'node:timers/promises'
import type { DatabaseProxy, Fate } from '../../lib/database-proxy.ts'
import type { Fault } from '../testbed/fault.ts'
import { checkSpread } from '../testbed/load.ts'
import { replicas } from '../testbed/testbed.ts'

const cuts = 24
/** ms between two cuts, long enough that the retry of a cut batch is not cut again */
const pauseBetweenCutsMs = 100
/** ms to wait for a batch to meet a cut */
const cutTimeoutMs = 2000

/** Half of the cuts truncate the batch, half the answer to its commit. The cut is at any byte, including the first. */
export const connectionCut: Fault = {
  name: 'connection-cut',
  title: `a connection cut in the middle of a commit, ${cuts} times`,
  batchesInFlight: cuts,
  async inject(testbed) {
    let met = 0
    for (let cut = 0; cut < cuts; cut++) {
      const replica = testbed.processes().replicas[cut % replicas]
      const kind = cut % 2 === 0 ? 'cut-answer' : 'cut-request'
      const fate: Fate = { kind, afterBytes: testbed.random.between(0, 60) }
      if (replica && (await cutOnce(testbed.proxyOf(replica), fate))) met++
      await pause(pauseBetweenCutsMs)
    }
    if (met === 0) throw new Error('no commit met a cut')
  },
}

/** @returns whether a batch met the cut */
async function cutOnce(proxy: DatabaseProxy, fate: Fate): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  proxy.trap('COMMIT', fate, () => resolve(true))
  const met = await Promise.race([promise, pause(cutTimeoutMs, false, { ref: false })])
  proxy.disarm()
  return met
}

/** longer than a page view may wait for its number */
const forMs = 3000

/** The batch is committed, but the replica does not hear of it in time. It must answer that the outcome is unknown. */
export const answerHeld: Fault = {
  name: 'answer-held',
  title: `the answer to a commit held back for ${forMs / 1000} s`,
  allows: ['unavailable'],
  async inject(testbed) {
    const proxy = testbed.proxyOf(testbed.someReplica())
    const { promise, resolve } = Promise.withResolvers<void>()
    proxy.trap('COMMIT', { kind: 'hold-answer', forMs }, resolve)
    await promise
    await pause(forMs)
  },
}

const cutOffMs = 6000

/** The other replicas must serve its visitors, with a cookie or without. */
export const replicaCutOff = cutOff('replica-cut-off', 'refused', proxy => proxy.refuse())

/** The database accepts connections but does not answer. What was sent to it may arrive later. */
export const replicaUnheard = cutOff('replica-unheard', 'unanswered', async proxy => proxy.silence())

function cutOff(name: string, how: string, begin: (proxy: DatabaseProxy) => Promise<void>): Fault {
  return {
    name,
    title: `one replica’s connections to the database ${how} for ${cutOffMs / 1000} s`,
    replicasLost: 1,
    async inject(testbed) {
      const proxy = testbed.proxyOf(testbed.someReplica())
      await begin(proxy)
      await pause(cutOffMs)
      await proxy.restore()
    },
    check: checkSpread,
  }
}
