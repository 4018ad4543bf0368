import { afterDatabase, type Fault } from '../fault.ts'
import { freezeProcess } from '../testbed/signals.ts'

export const replicaFrozen: Fault = {
  name: 'replica-frozen',
  title: 'a replica frozen for 10 s',
  allows: [],
  takes: 1,
  recoversWithin: afterDatabase,
  inject: ground => freezeProcess(ground.someReplica().pid, 10_000),
}
