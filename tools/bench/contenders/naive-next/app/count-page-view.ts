import type { RowDataPacket } from 'mysql2'
import { pool } from './pool.ts'

type CounterRow = RowDataPacket & { value: number }

/** One transaction a request: counter plus one, read it, insert the log row. Returns the page view's number. */
export async function countPageView(clientIp: string): Promise<number> {
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
