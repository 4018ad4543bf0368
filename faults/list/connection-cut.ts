import { setTimeout as pause } from 'node:timers/promises'
import type { Fate } from '../database-proxy.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import type { Ground } from '../ground/ground.ts'

const cuts = 24
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
      const kind = cut % 2 === 0 ? 'cut-answer' : 'cut-request'
      if (await cutOnce(ground, { kind, afterBytes: ground.random.between(0, 60) })) met++
    }
    if (met === 0) throw new Error('no commit met a cut')
  },
}

/** @returns whether a batch met it */
async function cutOnce(ground: Ground, fate: Fate): Promise<boolean> {
  const proxy = ground.proxyOf(ground.someReplica())
  const { promise, resolve } = Promise.withResolvers<boolean>()
  proxy.trap('COMMIT', fate, () => resolve(true))
  const met = await Promise.race([promise, pause(patience, false, { ref: false })])
  proxy.disarm()
  return met
}
