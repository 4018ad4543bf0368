import { afterRestart, type Fault } from '../fault.ts'
import { signalProcess, untilEnded } from '../testbed/signals.ts'

export const replicaStopped: Fault = {
  name: 'replica-stopped',
  title: 'a replica told to stop (SIGTERM)',
  allows: [],
  takes: 1,
  recoversWithin: afterRestart,
  async inject(ground) {
    const { pid } = ground.someReplica()
    signalProcess(pid, 'SIGTERM')
    await untilEnded(pid)
  },
}
