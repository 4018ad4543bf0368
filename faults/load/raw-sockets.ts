import { once } from 'node:events'
import { connect } from 'node:net'

/** A connection on which a client behaves as no HTTP library does. */
export type RawSocket = {
  from: string
  send(text: string): void
  /** Rejects when the connection ends first. What comes after that byte is read and forgotten. */
  untilFirstByte(): Promise<void>
  /** Takes one byte of what has come, and leaves the rest waiting. */
  readOneByte(): void
  /** Closes it at once, whatever is under way. */
  drop(): void
}

export async function openSockets(
  url: string,
  count: number,
  address: (n: number) => string,
): Promise<RawSocket[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => openSocket(url, address(n + 1))))
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
    untilFirstByte() {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      socket.on('close', () => reject(new Error('a connection ended before it was answered')))
      socket.on('data', () => resolve())
      return promise
    },
  }
}
