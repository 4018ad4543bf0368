import { setTimeout as pause } from 'node:timers/promises'
import { signalProcess } from '../../lib/processes.ts'
import { afterDatabase, afterRestart, type Fault } from '../testbed/fault.ts'
import { freezeProcess, untilEnded } from '../testbed/processes.ts'
import { replicaWithClock } from '../testbed/testbed.ts'

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

export const replicaFrozen: Fault = {
  name: 'replica-frozen',
  title: 'a replica frozen for 10 s',
  allows: [],
  takes: 1,
  recoversWithin: afterDatabase,
  inject: ground => freezeProcess(ground.someReplica().pid, 10_000),
}

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

const secondsPerHour = 3600
/** ms between two jumps: each is noticed within a second */
const pauseBetweenJumpsMs = 2500

export const clockJumped: Fault = {
  name: 'clock-jumped',
  title: 'a replica’s clock an hour ahead, then a day behind',
  allows: [],
  needs: ['replicaClock'],
  recoversWithin: afterDatabase,
  async inject({ replicaClock, parts }) {
    for (const secondsAhead of [secondsPerHour, -24 * secondsPerHour, 0]) {
      replicaClock?.jumpTo(secondsAhead)
      await pause(pauseBetweenJumpsMs)
      const replica = parts().replicas.find(({ name }) => name === replicaWithClock)
      await checkClock(`http://${replica?.address}/health/live`, secondsAhead)
    }
  },
}

/** A jump that did not happen would prove nothing. One that another fault keeps from answering is not asked. */
async function checkClock(url: string, secondsAhead: number): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null)
  if (!answer) return
  const ahead = (Date.parse(answer.headers.get('date') ?? '') - Date.now()) / 1000
  if (!(Math.abs(ahead - secondsAhead) < 60))
    throw new Error(`the clock is ${ahead} s ahead, not ${secondsAhead}`)
}
