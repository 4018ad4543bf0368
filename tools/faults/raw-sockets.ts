import { once } from 'node:events'
import { connect } from 'node:net'

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

export async function openSocket(url: string, from: string): Promise<RawSocket> {
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
