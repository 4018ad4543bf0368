import { afterRestart, type Fault } from '../fault.ts'
import { signalProcess } from '../testbed/signals.ts'

export const allButOneKilled: Fault = {
  name: 'all-but-one-killed',
  title: 'all replicas but one killed',
  allows: [],
  takes: 2,
  recoversWithin: afterRestart,
  async inject(ground) {
    const survivor = ground.someReplica()
    for (const { name, pid } of ground.parts().replicas) {
      if (name !== survivor.name) signalProcess(pid, 'SIGKILL')
    }
  },
}
