import { once } from 'node:events'
import { connect } from 'node:net'
import { loopbackAddress } from './load.ts'
import { until } from './processes.ts'

/** A client connection below HTTP, to send and read single bytes */
export type RawSocket = {
  from: string
  send(text: string): void
  /** Whether a byte of an answer arrives before the connection ends. Later bytes are read and dropped. */
  isAnswered(): Promise<boolean>
  /** Reads one byte that has arrived, and leaves the rest in the buffer. */
  readOneByte(): void
  /** Resets the connection. */
  drop(): void
}

/** Opens `count` connections. @returns those that NGINX accepts, which is none while another fault keeps NGINX down */
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

/** Opens `count` live feeds and adds each connection to `opened`. Each reconnects until it is answered, as a browser does. */
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
