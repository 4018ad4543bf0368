import { answers } from '../../lib/answers.ts'
import type { Fault } from '../fault.ts'
import { signalProcess } from '../testbed/signals.ts'
import { until } from '../testbed/until.ts'

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
