import { setTimeout as pause } from 'node:timers/promises'
import { unanswered } from '../../lib/unanswered.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import { openSockets } from '../raw-sockets.ts'
import { loopbackAddress } from '../visitor.ts'

const groups = 20
const inGroup = 25
const request = 'GET / HTTP/1.1\r\nHost: board\r\n\r\n'

/** Each may be counted or not, as far as it got; nobody else is to notice. */
export const leavingClients: Fault = {
  name: 'leaving-clients',
  title: `${groups * inGroup} clients that leave half-way`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    for (let group = 0; group < groups; group++) {
      const sockets = await openSockets(ground.url, inGroup, n => loopbackAddress(5, group * inGroup + n))
      ground.asides.push(...sockets.map(({ from }) => unanswered(from)))
      for (const socket of sockets) {
        socket.send(request.slice(0, request.length - ground.random.oneOf([0, 0, 0, 5])))
        await pause(ground.random.between(0, 3))
        socket.drop()
      }
    }
  },
}
