import { setTimeout as pause } from 'node:timers/promises'
import { nginxWorkers, signalProcess } from '../../lib/processes.ts'
import { answers, until } from '../../lib/wait.ts'
import type { Allowed, Fault } from '../testbed/fault.ts'
import { checkSpread } from '../testbed/load.ts'
import type { Testbed } from '../testbed/testbed.ts'

export const nginxKilled: Fault = {
  name: 'nginx-killed',
  title: 'NGINX killed',
  // Its workers run on briefly but no longer listen, not even for page views that they already have (page-views.conf).
  allows: ['silence', 'no-replica'],
  recoversWithinMs: 1000,
  async inject(testbed) {
    const { pid } = testbed.processes().nginx
    signalProcess(pid, 'SIGKILL')
    // Its workers outlive it briefly, so an answer alone does not prove that it is back.
    await until('NGINX was started again', () => testbed.processes().nginx.pid !== pid)
    await until('NGINX answers', () => answers(`${testbed.url}healthz`))
  },
}

/**
 * Each ends all kept connections. With too few tries for a page view that meets them (page-views.conf) one in some 20 reloads lost
 * a page view.
 */
const reloads = 60

export const nginxReloaded: Fault = {
  name: 'nginx-reloaded',
  title: `NGINX reloaded, ${reloads} times`,
  async inject(testbed) {
    for (let time = 0; time < reloads; time++) {
      const { pid } = testbed.processes().nginx
      const former = nginxWorkers(pid)
      signalProcess(pid, 'SIGHUP')
      // Another fault can end NGINX meanwhile.
      await until(
        'NGINX has new workers',
        () =>
          testbed.processes().nginx.pid !== pid || nginxWorkers(pid).some(worker => !former.includes(worker)),
      )
      // The start of workers takes processor time that the page views need too.
      await pause(200)
    }
  },
}

/** A crashed worker does not release what it holds in the workers' shared memory: limit slots and connection counts. */
const kills = 4

/**
 * A page view passes two workers: the worker that its visitor reached, and the worker that holds its slot. If the second dies,
 * the first answers that no server did.
 */
const inFlight: Allowed[] = ['silence', 'no-replica']

export const nginxWorkerKilled: Fault = {
  name: 'nginx-worker-killed',
  title: 'a worker of NGINX killed',
  allows: inFlight,
  inject: testbed => killWorkers(testbed, 1),
  check: checkSpread,
}

export const nginxWorkersKilled: Fault = {
  name: 'nginx-workers-killed',
  title: `all workers of NGINX killed, ${kills} times`,
  allows: inFlight,
  async inject(testbed) {
    for (let kill = 0; kill < kills; kill++) {
      await killWorkers(testbed)
      await pause(500)
    }
  },
  check: checkSpread,
}

/** While the database is frozen each page view stays open for 1.5 s. At 350/s, 525 are open when the workers die. */
export const nginxWorkersKilledDatabaseFrozen: Fault = {
  name: 'nginx-workers-killed-database-frozen',
  title: 'the database frozen for 6 s, and all workers of NGINX killed twice meanwhile',
  allows: ['unavailable', ...inFlight],
  async inject(testbed) {
    const { pid } = testbed.processes().database
    signalProcess(pid, 'SIGSTOP')
    try {
      for (let kill = 0; kill < 2; kill++) {
        await pause(2000)
        await killWorkers(testbed)
      }
      await pause(2000)
    } finally {
      signalProcess(pid, 'SIGCONT')
    }
  },
  check: checkSpread,
}

/** Kills `count` workers as a crash would, but not the master. Waits for workers first, because an earlier kill may have left none. */
async function killWorkers({ processes }: Testbed, count = Number.POSITIVE_INFINITY): Promise<void> {
  const workers = () => nginxWorkers(processes().nginx.pid)
  await until('NGINX has workers', () => workers().length > 0)
  for (const pid of workers().slice(0, count)) signalProcess(pid, 'SIGKILL')
}
