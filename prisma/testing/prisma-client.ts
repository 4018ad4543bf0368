import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { readDatabaseUrl } from '../../web/server/config.ts'
import { PrismaClient } from '../client/client.ts'

/**
 * Prisma Client on a database, as a second pair of eyes beside the replicas' own SQL: for tests and for looking.
 * Whoever opens it must `$disconnect()` it.
 */
export function openPrismaClient(databaseUrl: string): PrismaClient {
  const adapter = new PrismaMariaDb({
    ...readDatabaseUrl(databaseUrl),
    connectionLimit: 2,
    // MySQL's default way to sign in asks for its public key where the connection is not encrypted.
    allowPublicKeyRetrieval: true,
  })
  return new PrismaClient({ adapter })
}
