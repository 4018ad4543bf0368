import { afterDatabase, type Fault } from '../fault.ts'
import { until } from '../ground/until.ts'
import { openSocket, type RawSocket } from '../load/raw-sockets.ts'
import { loopbackAddress } from '../load/visitor.ts'

const dashboards = 2000
const request = 'GET /api/live HTTP/1.1\r\nHost: board\r\n\r\n'

export const dashboardsDropped: Fault = {
  name: 'dashboards-dropped',
  title: '2,000 dashboards connected and dropped at once',
  allows: [],
  recoversWithin: afterDatabase,
  async inject({ url }) {
    const streams: RawSocket[] = []
    try {
      const opening = Array.from({ length: dashboards }, (_, n) => openDashboard(url, n, streams))
      await Promise.all(opening)
    } finally {
      for (const stream of streams) stream.drop()
    }
  },
}

/** Connects until it is answered, as a browser does. */
async function openDashboard(url: string, n: number, opened: RawSocket[]): Promise<void> {
  await until('a dashboard is connected', async () => {
    const stream = await openSocket(url, loopbackAddress(2, n))
    opened.push(stream)
    stream.send(request)
    return stream.isAnswered()
  })
}
