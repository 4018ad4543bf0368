import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { readDatabaseUrl } from '../../web/server/config.ts'
import { PrismaClient } from '../client/client.ts'

/** Prisma Client on a database, independent of the replicas' own SQL, to check their results in tests. `$disconnect()` it. */
export function openPrismaClient(databaseUrl: string): PrismaClient {
  const adapter = new PrismaMariaDb({
    ...readDatabaseUrl(databaseUrl),
    connectionLimit: 2,
    // MySQL's default authentication requests the server's public key if the connection is not encrypted.
    allowPublicKeyRetrieval: true,
  })
  return new PrismaClient({ adapter })
}
