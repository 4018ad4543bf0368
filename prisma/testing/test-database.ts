import { randomBytes } from 'node:crypto'
import mysql from 'mysql2/promise'
import { migrate } from '../migrate.ts'

export type TestDatabase = {
  /** mysql://user:password@127.0.0.1:port/database */
  url: string
  drop: () => Promise<void>
  [Symbol.asyncDispose]: () => Promise<void>
}

/** A migrated database for one test, on the server that the tests run beside (with-database.ts). */
export async function createTestDatabase(): Promise<TestDatabase> {
  const database = await createEmptyDatabase()
  await migrate(database.url)
  return database
}

/** The same without tables. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL
  if (!server)
    throw new Error('no TEST_DATABASE_URL: run this through tools/launcher/testing/with-database.ts')
  const name = `test_${randomBytes(8).toString('hex')}`
  await runOn(server, `CREATE DATABASE ${name} CHARACTER SET ascii COLLATE ascii_bin`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const drop = () => runOn(server, `DROP DATABASE IF EXISTS ${name}`)
  return { url: url.href, drop, [Symbol.asyncDispose]: drop }
}

async function runOn(server: string, statement: string): Promise<void> {
  const connection = await mysql.createConnection(server)
  await connection.query(statement)
  await connection.end()
}
