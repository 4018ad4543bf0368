import { setTimeout as pause } from 'node:timers/promises'
import type { DatabaseProxy, Fate } from '../../lib/database-proxy.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import { replicas } from '../testbed/ground.ts'

const cuts = 24
/** ms between two: a batch that was cut is not cut again when it is tried again, for as long as it has time */
const rest = 100
/** ms until one that no batch has met is given up */
const patience = 2000

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
      await pause(rest)
    }
    if (met === 0) throw new Error('no commit met a cut')
  },
}

/** @returns whether a batch met it */
async function cutOnce(proxy: DatabaseProxy, fate: Fate): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  proxy.trap('COMMIT', fate, () => resolve(true))
  const met = await Promise.race([promise, pause(patience, false, { ref: false })])
  proxy.disarm()
  return met
}
