import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'
import { signalProcess } from '../testbed/signals.ts'

const times = 3

export const nginxReloaded: Fault = {
  name: 'nginx-reloaded',
  title: `NGINX reloaded, ${times} times`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    for (let time = 0; time < times; time++) {
      signalProcess(ground.parts().nginx.pid, 'SIGHUP')
      await pause(500)
    }
  },
}
