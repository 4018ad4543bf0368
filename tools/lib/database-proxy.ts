import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { z } from 'zod'

/** What happens to the packet that a trap catches, or to its answer. A cut closes the connection. */
export type Fate =
  | { kind: 'cut-request'; afterBytes: number }
  | { kind: 'cut-answer'; afterBytes: number }
  | { kind: 'hold-answer'; forMs: number }
  | { kind: 'pass' }

/** A TCP proxy between a replica and its database. Without a trap it forwards everything. */
export type DatabaseProxy = AsyncDisposable & {
  /** the database's URL, through the proxy */
  url: string
  /** Catches the next packet to the database that contains `text`. `sprung` is called before the packet is forwarded. */
  trap(text: string, fate: Fate, sprung?: () => void): void
  /** Removes a trap that has caught nothing. */
  disarm(): void
  /** Closes all connections and refuses new ones until `restore`. */
  refuse(): Promise<void>
  /**
   * Accepts connections but forwards nothing in either direction until `restore`. Then everything sent meanwhile arrives, as
   * after a network failure.
   */
  silence(): void
  restore(): Promise<void>
}

type Trap = { text: string; fate: Fate; sprung: () => void }

/** @param listenAt a port of 127.0.0.1; 0 = any */
export async function startDatabaseProxy(databaseUrl: string, listenAt = 0): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let armed: Trap | null = null
  let silent = false

  const takeTrap = (packet: Buffer): Trap | null => {
    if (!armed || !packet.includes(armed.text)) return null
    const trap = armed
    armed = null
    trap.sprung()
    return trap
  }

  const server = createServer(client => {
    const database = connect(Number(target.port), target.hostname)
    join(client, database, takeTrap)
    for (const socket of [client, database]) {
      sockets.add(socket)
      if (silent) socket.pause()
      socket.on('close', () => sockets.delete(socket))
    }
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const refuse = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen(listenAt)
  const { port } = z.object({ port: z.number() }).parse(server.address())
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    url: url.href,
    trap(text, fate, sprung = () => {}) {
      armed = { text, fate, sprung }
    },
    disarm() {
      armed = null
    },
    refuse,
    silence() {
      silent = true
      for (const socket of sockets) socket.pause()
    },
    async restore() {
      silent = false
      for (const socket of sockets) socket.resume()
      if (!server.listening) await listen(port)
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await refuse()
    },
  }
}

function join(client: Socket, database: Socket, takeTrap: (packet: Buffer) => Trap | null): void {
  let fate: Fate = { kind: 'pass' }
  const cut = () => {
    client.destroy()
    database.destroy()
  }
  client.on('data', data => {
    const packet = Buffer.from(data)
    fate = takeTrap(packet)?.fate ?? fate
    if (fate.kind !== 'cut-request') return void database.write(packet)
    database.write(packet.subarray(0, Math.min(fate.afterBytes, packet.length - 1)), cut)
  })
  database.on('data', data => {
    const answer = Buffer.from(data)
    if (fate.kind === 'cut-answer') {
      client.write(answer.subarray(0, Math.min(fate.afterBytes, answer.length - 1)), cut)
    } else if (fate.kind === 'hold-answer') {
      const { forMs } = fate
      setTimeout(() => client.writable && client.write(answer), forMs)
    } else {
      client.write(answer)
    }
  })
  for (const [socket, other] of [
    [client, database],
    [database, client],
  ] as const) {
    socket.on('error', () => {})
    socket.on('close', () => other.destroy())
  }
}
