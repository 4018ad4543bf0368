import { afterDatabase, type Fault } from '../fault.ts'
import { openSockets } from '../load/raw-sockets.ts'
import { loopbackAddress } from '../load/visitor.ts'

const dashboards = 2000

export const dashboardsDropped: Fault = {
  name: 'dashboards-dropped',
  title: '2,000 dashboards connected and dropped at once',
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const streams = await openSockets(ground.url, dashboards, n => loopbackAddress(2, n))
    try {
      const first = streams.map(stream => stream.untilFirstByte())
      for (const stream of streams) stream.send('GET /api/live HTTP/1.1\r\nHost: board\r\n\r\n')
      await Promise.all(first)
    } finally {
      for (const stream of streams) stream.drop()
    }
  },
}
