// `npm run studio`: Prisma Studio on the database of DATABASE_URL, else of the stack that runs on DATA_DIR, else of the one with
// Docker, whose port it opens on this machine meanwhile. Options: prisma/studio.ts.
import { type DatabasePort, openDatabasePort } from '../../deploy/compose/database.ts'
import { DockerFailed } from '../../deploy/compose/docker.ts'
import { findDatabaseUrl } from '../../prisma/connect.ts'
import { studioCommand } from '../../prisma/studio.ts'

/** ms; a port that was just opened takes a moment */
const portPatience = 10_000

const url = await findDatabaseUrl(process.env)
const port = url === null ? await findDatabasePort() : null
try {
  await studioCommand(url ?? port?.url ?? null, port ? portPatience : 0)
} finally {
  await port?.close()
}

/** Null where no stack with Docker runs. */
async function findDatabasePort(): Promise<DatabasePort | null> {
  try {
    return await openDatabasePort()
  } catch (error) {
    if (error instanceof DockerFailed) return null
    throw error
  }
}
