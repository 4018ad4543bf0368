import type { RowDataPacket } from 'mysql2'
import { pool } from './pool.ts'

type LogRow = RowDataPacket & { id: number; created_at: string; client_ip: string; server: string }

/** The newest 50, newest first. */
export async function readNewestRows(): Promise<LogRow[]> {
  const [rows] = await pool.query<LogRow[]>(
    'SELECT id, created_at, client_ip, server FROM access_log ORDER BY id DESC LIMIT 50',
  )
  return rows
}
