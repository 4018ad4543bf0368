import { openSocket, type RawSocket } from './raw-sockets.ts'
import { until } from './testbed/until.ts'
import { loopbackAddress } from './visitor.ts'

const request = 'GET /api/live HTTP/1.1\r\nHost: board\r\n\r\n'

/** Opens so many live feeds, and adds the connection of each to `opened`. Each connects until it is answered, as a browser does. */
export async function openDashboards(url: string, count: number, opened: RawSocket[]): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => openDashboard(url, n, opened)))
}

async function openDashboard(url: string, n: number, opened: RawSocket[]): Promise<void> {
  await until('a dashboard is connected', async () => {
    const stream = await openSocket(url, loopbackAddress(2, n))
    opened.push(stream)
    stream.send(request)
    return stream.isAnswered()
  })
}
