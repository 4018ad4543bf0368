import { setTimeout as pause } from 'node:timers/promises'
import { freezeProcess, signalProcess, untilEnded } from '../../lib/processes.ts'
import { type Fault, restartMs } from '../testbed/fault.ts'
import { replicaWithClock } from '../testbed/testbed.ts'

export const replicaKilled: Fault = {
  name: 'replica-killed',
  title: 'a replica killed',
  replicasLost: 1,
  recoversWithinMs: restartMs,
  async inject(testbed) {
    signalProcess(testbed.someReplica().pid, 'SIGKILL')
  },
}

export const replicaStopped: Fault = {
  name: 'replica-stopped',
  title: 'a replica stopped (SIGTERM)',
  replicasLost: 1,
  recoversWithinMs: restartMs,
  async inject(testbed) {
    const { pid } = testbed.someReplica()
    signalProcess(pid, 'SIGTERM')
    await untilEnded(pid)
  },
}

export const allButOneKilled: Fault = {
  name: 'all-but-one-killed',
  title: 'all replicas but one killed',
  replicasLost: 2,
  recoversWithinMs: restartMs,
  async inject(testbed) {
    const survivor = testbed.someReplica()
    for (const { name, pid } of testbed.processes().replicas) {
      if (name !== survivor.name) signalProcess(pid, 'SIGKILL')
    }
  },
}

export const replicaFrozen: Fault = {
  name: 'replica-frozen',
  title: 'a replica frozen for 10 s',
  replicasLost: 1,
  inject: testbed => freezeProcess(testbed.someReplica().pid, 10_000),
}

/** Its batch is on the way to the database when it freezes, and commits. NGINX sends those page views to another replica. */
export const replicaFrozenInBatch: Fault = {
  name: 'replica-frozen-in-batch',
  title: 'a replica frozen for 10 s in the middle of a batch',
  replicasLost: 1,
  async inject(testbed) {
    const replica = testbed.someReplica()
    const { promise, resolve } = Promise.withResolvers<Promise<void>>()
    const freeze = () => resolve(freezeProcess(replica.pid, 10_000))
    testbed.proxyOf(replica).trap('COMMIT', { kind: 'pass' }, freeze)
    await promise
  },
}

const secondsPerHour = 3600
/** ms between two jumps; a process notices each within a second */
const pauseBetweenJumpsMs = 2500

export const clockJumped: Fault = {
  name: 'clock-jumped',
  title: 'a replica’s clock an hour ahead, then a day behind',
  needs: ['replicaClock'],
  async inject({ replicaClock, processes }) {
    for (const secondsAhead of [secondsPerHour, -24 * secondsPerHour, 0]) {
      replicaClock?.jumpTo(secondsAhead)
      await pause(pauseBetweenJumpsMs)
      const replica = processes().replicas.find(({ name }) => name === replicaWithClock)
      await checkClock(`http://${replica?.address}/health/live`, secondsAhead)
    }
  },
}

/** Checks that the clock jumped. A replica that another fault keeps from answering is skipped. */
async function checkClock(url: string, secondsAhead: number): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null)
  if (!answer) return
  const ahead = (Date.parse(answer.headers.get('date') ?? '') - Date.now()) / 1000
  if (!(Math.abs(ahead - secondsAhead) < 60))
    throw new Error(`the clock is ${ahead} s ahead, not ${secondsAhead}`)
}
