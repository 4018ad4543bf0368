// `npm run studio`: Prisma Studio on the database of DATABASE_URL, else of the stack that runs on DATA_DIR, else of the one with
// Docker, whose port it opens on this machine meanwhile. Options: prisma/studio.ts.
import { openDatabasePort } from '../../deploy/compose/database.ts'
import { DockerFailed } from '../../deploy/compose/docker.ts'
import { findDatabaseUrl } from '../../prisma/connect.ts'
import { studioCommand } from '../../prisma/studio.ts'
import { UserError } from '../../web/server/errors.ts'
import { loadEnvironment } from '../lib/environment.ts'
import { saySentences } from '../lib/terminal.ts'
import { loadDataDir } from './settings.ts'

/** ms; a port that was just opened takes a moment */
const portPatience = 10_000

await saySentences(async () => {
  const url = await findDatabaseUrl({ ...loadEnvironment(), DATA_DIR: loadDataDir() })
  const port = url === null ? await findDatabasePort() : null
  try {
    await studioCommand(async () => url ?? port?.url ?? null, port ? portPatience : 0)
  } finally {
    await port?.close()
  }
})

/** Null where no stack with Docker runs. @throws UserError where Docker cannot say that, or open the port */
async function findDatabasePort() {
  try {
    return await openDatabasePort()
  } catch (error) {
    if (!(error instanceof DockerFailed)) throw error
    throw new UserError(
      `no board is running on ${loadDataDir()}, and the database of the one with Docker cannot be opened: ${error.message}`,
    )
  }
}
