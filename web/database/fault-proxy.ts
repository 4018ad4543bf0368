import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy in front of a database, for tests: it can lose the answer to a packet that has a given text in it. */
export type FaultProxy = AsyncDisposable & {
  /** the database's URL, through the proxy */
  url: string
  /** From now on: once a client's packet contains `text`, its answer is swallowed and the connection is cut. Once. */
  loseAnswerTo(text: string): void
}

export async function startFaultProxy(databaseUrl: string): Promise<FaultProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let trap: string | null = null
  const server = createServer(client => {
    const database = connect(Number(target.port), target.hostname)
    let swallowing = false
    client.on('data', packet => {
      if (trap !== null && packet.includes(trap)) {
        swallowing = true
        trap = null
      }
      database.write(packet)
    })
    database.on('data', answer => {
      if (swallowing) client.destroy()
      else client.write(answer)
    })
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    loseAnswerTo(text) {
      trap = text
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
