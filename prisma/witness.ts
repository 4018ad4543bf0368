import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaClient } from './client/client.ts'

/**
 * Prisma Client on a database, as a second pair of eyes beside the replicas' own SQL: for tests and for looking.
 * Whoever opens it must `$disconnect()` it.
 */
export function openWitness(databaseUrl: string): PrismaClient {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl)
  const adapter = new PrismaMariaDb({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    connectionLimit: 2,
    // MySQL's default way to sign in asks for its public key where the connection is not encrypted.
    allowPublicKeyRetrieval: true,
  })
  return new PrismaClient({ adapter })
}
