import { afterDatabase, type Fault } from '../fault.ts'
import { freezeProcess } from '../testbed/signals.ts'

/** Its batch is on its way to the database when it freezes, and commits: NGINX asks another replica for those page views. */
export const replicaFrozenInBatch: Fault = {
  name: 'replica-frozen-in-batch',
  title: 'a replica frozen for 10 s in the middle of a batch',
  allows: [],
  takes: 1,
  recoversWithin: afterDatabase,
  async inject(ground) {
    const replica = ground.someReplica()
    const { promise, resolve } = Promise.withResolvers<Promise<void>>()
    const freeze = () => resolve(freezeProcess(replica.pid, 10_000))
    ground.proxyOf(replica).trap('COMMIT', { kind: 'pass' }, freeze)
    await promise
  },
}
