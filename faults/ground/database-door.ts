import { setTimeout as pause } from 'node:timers/promises'
import mysql, { type Connection } from 'mysql2/promise'
import { z } from 'zod'

/** Ways into the database that lead past the replicas and their proxies. */
export type DatabaseDoor = {
  connect(): Promise<Connection>
  /** As its administrator, over its socket: only this user of this machine may. */
  connectAsRoot(): Promise<Connection>
  untilItAnswers(): Promise<void>
}

const socketRow = z.tuple([z.object({ path: z.string() })])
const answersWithin = 1000

export function openDatabaseDoor(databaseUrl: string): DatabaseDoor {
  const connect = () => open({ uri: databaseUrl })
  return {
    connect,
    async connectAsRoot() {
      const connection = await connect()
      const [rows] = await connection.query('SELECT @@socket AS path')
      await connection.end()
      const [{ path }] = socketRow.parse(rows)
      return open({
        socketPath: path,
        user: 'root',
        // MariaDB looks at who is at the other end of the socket, and wants to be told nothing.
        authPlugins: { unix_socket: () => async () => Buffer.alloc(0) },
      })
    },
    async untilItAnswers() {
      while (!(await answers(connect))) await pause(20)
    },
  }
}

/** A connection that breaks says so to whoever asks next on it. */
async function open(options: mysql.ConnectionOptions): Promise<Connection> {
  const connection = await mysql.createConnection({ ...options, connectTimeout: answersWithin })
  connection.on('error', () => {})
  return connection
}

async function answers(connect: () => Promise<Connection>): Promise<boolean> {
  try {
    const connection = await connect()
    await connection.query({ sql: 'SELECT 1', timeout: answersWithin })
    connection.destroy()
    return true
  } catch {
    return false
  }
}
