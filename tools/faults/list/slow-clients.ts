import { setTimeout as pause } from 'node:timers/promises'
import { unanswered } from '../../lib/unanswered.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import { openSockets } from '../raw-sockets.ts'
import { loopbackAddress } from '../visitor.ts'

const each = 150
const seconds = 8
const request = 'GET / HTTP/1.1\r\nHost: board\r\nAccept: text/html\r\n\r\n'

export const slowClients: Fault = {
  name: 'slow-clients',
  title: `${each} clients that ask, and ${each} that read, one byte a second`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const askers = await openSockets(ground.url, each, n => loopbackAddress(3, n))
    const readers = await openSockets(ground.url, each, n => loopbackAddress(4, n))
    ground.asides.push(...readers.map(({ from }) => unanswered(from)))
    for (const reader of readers) reader.send(request)
    for (const letter of request.slice(0, seconds)) {
      for (const asker of askers) asker.send(letter)
      for (const reader of readers) reader.readOneByte()
      await pause(1000)
    }
    for (const socket of [...askers, ...readers]) socket.drop()
  },
}
