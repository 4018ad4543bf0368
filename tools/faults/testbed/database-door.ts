import mysql, { type Connection } from 'mysql2/promise'
import { z } from 'zod'
import { until } from './until.ts'

/** Ways into the database that lead past the replicas and their proxies. */
export type DatabaseDoor = {
  /** Waits for a database that is away. */
  connect(): Promise<Connection>
  /** As its administrator, over its socket: only this user of this machine may. */
  connectAsRoot(): Promise<Connection>
  untilItAnswers(): Promise<void>
}

const socketRow = z.tuple([z.object({ path: z.string() })])
const answersWithin = 1000

export function openDatabaseDoor(databaseUrl: string): DatabaseDoor {
  async function connect(): Promise<Connection> {
    const connections: Connection[] = []
    await until('the database answers', async () => {
      connections.push(await open({ uri: databaseUrl }))
      return true
    })
    const [connection] = connections
    if (!connection) throw new Error('the database answered on no connection')
    return connection
  }
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
      const connection = await connect()
      connection.destroy()
    },
  }
}

/** Once it breaks, whoever asks next on it is told. @throws when the database does not answer at once */
async function open(options: mysql.ConnectionOptions): Promise<Connection> {
  const connection = await mysql.createConnection({ ...options, connectTimeout: answersWithin })
  connection.on('error', () => {})
  try {
    await connection.query({ sql: 'SELECT 1', timeout: answersWithin })
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}
