import { z } from 'zod'
import { connect } from '../../../prisma/connect.ts'

/** Runs a statement, or several, on a connection of its own; returns the rows of the only or the last one, unread. */
export async function askDatabase(databaseUrl: string, statement: string): Promise<unknown> {
  const connection = await connect(databaseUrl, 5000)
  try {
    const [rows] = await connection.query(statement)
    return rows
  } finally {
    await connection.end()
  }
}

/** The first row, read by `schema`. @throws when there is none, or it is of another shape */
export async function askForRow<T>(databaseUrl: string, schema: z.ZodType<T>, query: string): Promise<T> {
  const rows = z.array(z.unknown()).parse(await askDatabase(databaseUrl, query))
  return schema.parse(rows[0])
}
