import { openDashboards } from '../dashboards.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import type { RawSocket } from '../raw-sockets.ts'
import type { Ground } from '../testbed/ground.ts'
import { nginxWorkers, signalProcess } from '../testbed/signals.ts'
import { until } from '../testbed/until.ts'
import { askOften } from './missing-pages.ts'

const dashboards = 2000
const missingPages = 4000

/** Each replica and NGINX have as much memory as their containers have. */
export const memoryLimited: Fault = {
  name: 'memory-limited',
  title: `memory limited as in containers: ${dashboards} dashboards, ${missingPages} requests for pages that do not exist`,
  allows: [],
  needs: ['memoryLimits'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    await limitNginx(ground)
    const streams: RawSocket[] = []
    try {
      await openDashboards(ground.url, dashboards, streams)
    } finally {
      // Not kept: what the feed sends to all of them costs the processor, which is not what is tried here.
      for (const stream of streams) stream.drop()
    }
    await askOften(ground, missingPages)
  },
  async check({ memoryLimits, complaints }) {
    const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20)
    for (const { name, limit, most, killed } of memoryLimits?.seen() ?? []) {
      // A group without its process would prove nothing.
      if (most < 2 ** 20) complaints.push(`${name} does not run in its group`)
      if (killed === 0) continue
      const used = `${megabytes(most)} of ${megabytes(limit)} MB`
      complaints.push(`${killed} processes of ${name} were killed for memory (${used})`)
    }
  },
}

/** Replicas start in their groups. NGINX is moved into its group, and starts new workers there. */
async function limitNginx({ parts, memoryLimits }: Ground): Promise<void> {
  const { pid } = parts().nginx
  const before = nginxWorkers(pid)
  memoryLimits?.place('nginx', pid)
  signalProcess(pid, 'SIGHUP')
  await until('NGINX has new workers', () => nginxWorkers(pid).some(worker => !before.includes(worker)))
}
