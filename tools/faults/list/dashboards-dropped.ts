import { openDashboards } from '../dashboards.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import type { RawSocket } from '../raw-sockets.ts'

export const dashboardsDropped: Fault = {
  name: 'dashboards-dropped',
  title: '2,000 dashboards connected and dropped at once',
  allows: [],
  recoversWithin: afterDatabase,
  async inject({ url }) {
    const streams: RawSocket[] = []
    try {
      await openDashboards(url, 2000, streams)
    } finally {
      for (const stream of streams) stream.drop()
    }
  },
}
