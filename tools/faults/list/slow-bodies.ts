import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'
import { openSockets } from '../raw-sockets.ts'
import { loopbackAddress } from '../visitor.ts'

const seconds = 8
const length = 'Content-Length: 16000\r\n\r\n'
const chunked = 'Transfer-Encoding: chunked\r\n\r\n'
/** Together as many as the page views that NGINX lets be under way, and more. */
const kinds = [
  { head: `GET / HTTP/1.1\r\nHost: board\r\n${length}`, count: 400, byte: 'x' },
  { head: `GET / HTTP/1.1\r\nHost: board\r\n${chunked}`, count: 100, byte: '1\r\nx\r\n' },
  { head: `POST / HTTP/1.1\r\nHost: board\r\n${length}`, count: 100, byte: 'x' },
  { head: `POST / HTTP/1.1\r\nHost: board\r\n${chunked}`, count: 100, byte: '1\r\nx\r\n' },
]
const clients = kinds.reduce((sum, { count }) => sum + count, 0)

/** None of these bodies ever ends, so none of these page views is one, and the others notice nothing. */
export const slowBodies: Fault = {
  name: 'slow-bodies',
  title: `${clients} clients that send a body with a page view, a byte every two seconds`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const groups = await Promise.all(
      kinds.map(async ({ head, count, byte }, kind) => {
        const sockets = await openSockets(ground.url, count, n => loopbackAddress(7, kind * 1000 + n))
        for (const socket of sockets) socket.send(head)
        return { sockets, byte }
      }),
    )
    for (let second = 0; second < seconds; second += 2) {
      for (const { sockets, byte } of groups) for (const socket of sockets) socket.send(byte)
      await pause(2000)
    }
    for (const { sockets } of groups) for (const socket of sockets) socket.drop()
  },
}
