import type { RowDataPacket } from 'mysql2'
import mysql from 'mysql2/promise'
import { headers } from 'next/headers'

/** with mysql2's default number of connections */
const pool = mysql.createPool({
  uri: process.env.DATABASE_URL ?? '',
  timezone: 'Z',
  dateStrings: true,
})

type CounterRow = RowDataPacket & { value: number }

/** One transaction per request: adds one to the counter, reads it, inserts the log row. @returns the page view's number */
async function countPageView(clientIp: string): Promise<number> {
  const connection = await pool.getConnection()
  try {
    await connection.beginTransaction()
    await connection.query('UPDATE global_counter SET value = value + 1 WHERE id = 1')
    const [rows] = await connection.query<CounterRow[]>('SELECT value FROM global_counter WHERE id = 1')
    const hit = rows[0]?.value ?? 0
    await connection.query(
      'INSERT INTO access_log (id, created_at, client_ip, server) VALUES (?, UTC_TIMESTAMP(3), ?, ?)',
      [hit, clientIp, process.env.SERVER_NAME],
    )
    await connection.commit()
    return hit
  } catch (error) {
    await connection.rollback()
    throw error
  } finally {
    connection.release()
  }
}

type LogRow = RowDataPacket & { id: number; created_at: string; client_ip: string; server: string }

/** The newest 50, newest first */
async function readNewestRows(): Promise<LogRow[]> {
  const [rows] = await pool.query<LogRow[]>(
    'SELECT id, created_at, client_ip, server FROM access_log ORDER BY id DESC LIMIT 50',
  )
  return rows
}

/** Reading the headers makes the page dynamic: Next renders it for each request. */
export default async function Page() {
  const clientIp = (await headers()).get('x-real-ip') ?? ''
  const hit = await countPageView(clientIp)
  const rows = await readNewestRows()
  return (
    <main>
      <h1>Page view {hit}</h1>
      <table>
        <thead>
          <tr>
            <th>Number</th>
            <th>Time (UTC)</th>
            <th>Client</th>
            <th>Server</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.id}>
              <td>{row.id}</td>
              <td>{row.created_at}</td>
              <td>{row.client_ip}</td>
              <td>{row.server}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </main>
  )
}
