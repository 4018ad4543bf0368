import { afterRestart, type Fault } from '../fault.ts'
import { signalProcess } from '../testbed/signals.ts'

export const replicaKilled: Fault = {
  name: 'replica-killed',
  title: 'a replica killed',
  allows: [],
  takes: 1,
  recoversWithin: afterRestart,
  async inject(ground) {
    signalProcess(ground.someReplica().pid, 'SIGKILL')
  },
}
