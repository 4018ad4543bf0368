import { setTimeout as pause } from 'node:timers/promises'
import { answers } from '../../lib/liveness.ts'
import { nginxWorkers, signalProcess } from '../../lib/processes.ts'
import { type Allowed, afterDatabase, type Fault } from '../testbed/fault.ts'
import { checkSpread } from '../testbed/load.ts'
import { until } from '../testbed/processes.ts'
import type { Testbed } from '../testbed/testbed.ts'

export const nginxKilled: Fault = {
  name: 'nginx-killed',
  title: 'NGINX killed',
  // Its workers go on for a moment, but no longer listen: not for page views that they already have either (page-views.conf).
  allows: ['silence', 'no-replica'],
  recoversWithin: 1000,
  async inject(ground) {
    const { pid } = ground.parts().nginx
    signalProcess(pid, 'SIGKILL')
    // Its workers outlive it for a moment, so an answer alone does not say that it is back.
    await until('NGINX was started again', () => ground.parts().nginx.pid !== pid)
    await until('NGINX answers', () => answers(`${ground.url}healthz`))
  },
}

const reloads = 3

export const nginxReloaded: Fault = {
  name: 'nginx-reloaded',
  title: `NGINX reloaded, ${reloads} times`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    for (let time = 0; time < reloads; time++) {
      signalProcess(ground.parts().nginx.pid, 'SIGHUP')
      await pause(500)
    }
  },
}

/** A worker that crashes cannot give back what it holds in memory that all workers share: places of limits, connection counts. */
const kills = 4

/**
 * A page view passes two workers, the one that its visitor reached and the one that holds its place. Without the second the
 * first answers that no server did.
 */
const underWay: Allowed[] = ['silence', 'no-replica']

export const nginxWorkerKilled: Fault = {
  name: 'nginx-worker-killed',
  title: 'a worker of NGINX killed',
  allows: underWay,
  recoversWithin: afterDatabase,
  inject: ground => killWorkers(ground, 1),
  check: checkSpread,
}

export const nginxWorkersKilled: Fault = {
  name: 'nginx-workers-killed',
  title: `all workers of NGINX killed, ${kills} times`,
  allows: underWay,
  recoversWithin: afterDatabase,
  async inject(ground) {
    for (let kill = 0; kill < kills; kill++) {
      await killWorkers(ground)
      await pause(500)
    }
  },
  check: checkSpread,
}

/** While the database is silent page views stay open for 1.5 s each: at 350 a second, 525 are open when the workers die. */
export const nginxWorkersKilledDatabaseFrozen: Fault = {
  name: 'nginx-workers-killed-database-frozen',
  title: 'the database frozen for 6 s, and all workers of NGINX killed twice meanwhile',
  allows: ['unavailable', ...underWay],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const { pid } = ground.parts().database
    signalProcess(pid, 'SIGSTOP')
    try {
      for (let kill = 0; kill < 2; kill++) {
        await pause(2000)
        await killWorkers(ground)
      }
      await pause(2000)
    } finally {
      signalProcess(pid, 'SIGCONT')
    }
  },
  check: checkSpread,
}

/** Kills `count` workers as a crash would, and leaves the master alone. Waits until there are some, after an earlier kill. */
async function killWorkers({ parts }: Testbed, count = Number.POSITIVE_INFINITY): Promise<void> {
  const workers = () => nginxWorkers(parts().nginx.pid)
  await until('NGINX has workers', () => workers().length > 0)
  for (const pid of workers().slice(0, count)) signalProcess(pid, 'SIGKILL')
}
