import { once } from 'node:events'
import { connect } from 'node:net'
import { loopbackAddress } from './load.ts'
import { until } from './processes.ts'

/** A connection on which a client behaves as no HTTP library does. */
export type RawSocket = {
  from: string
  send(text: string): void
  /** Whether a byte of an answer comes before the connection ends. What comes after it is read and forgotten. */
  isAnswered(): Promise<boolean>
  /** Takes one byte of what has come, and leaves the rest waiting. */
  readOneByte(): void
  /** Closes it at once, whatever is under way. */
  drop(): void
}

/** Those of `count` connections that are accepted: none is while another fault has NGINX away. */
export async function openSockets(
  url: string,
  count: number,
  address: (n: number) => string,
): Promise<RawSocket[]> {
  const opening = Array.from({ length: count }, (_, n) => openSocket(url, address(n + 1)))
  const opened = await Promise.allSettled(opening)
  return opened.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
}

async function openSocket(url: string, from: string): Promise<RawSocket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), localAddress: from })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return {
    from,
    send: text => void socket.write(text),
    readOneByte: () => void socket.read(1),
    drop: () => void socket.resetAndDestroy(),
    isAnswered() {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      socket.on('close', () => resolve(false))
      socket.on('data', () => resolve(true))
      return promise
    },
  }
}

const liveRequest = 'GET /api/live HTTP/1.1\r\nHost: board\r\n\r\n'

/** Opens so many live feeds, and adds the connection of each to `opened`. Each connects until it is answered, as a browser does. */
export async function openDashboards(url: string, count: number, opened: RawSocket[]): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => openDashboard(url, n, opened)))
}

async function openDashboard(url: string, n: number, opened: RawSocket[]): Promise<void> {
  await until('a dashboard is connected', async () => {
    const stream = await openSocket(url, loopbackAddress(2, n))
    opened.push(stream)
    stream.send(liveRequest)
    return stream.isAnswered()
  })
}
