// `npm run studio`: opens Prisma Studio on the database of DATABASE_URL, else of the stack on DATA_DIR, else of the stack with
// Docker, whose database it publishes on this machine meanwhile. Options: prisma/studio.ts.
import { openDatabasePort } from '../../deploy/compose/database.ts'
import { DockerFailed } from '../../deploy/compose/docker.ts'
import { findDatabaseUrl } from '../../prisma/connect.ts'
import { studioCommand } from '../../prisma/studio.ts'
import { UserError } from '../../web/server/errors.ts'
import { loadEnvironment, saySentences } from '../lib/terminal.ts'
import { loadDataDir } from './settings.ts'

/** ms to wait for a port that was just opened */
const portTimeoutMs = 10_000

await saySentences(async () => {
  const url = await findDatabaseUrl({ ...loadEnvironment(), DATA_DIR: loadDataDir() })
  const port = url === null ? await findDatabasePort() : null
  try {
    await studioCommand(async () => url ?? port?.url ?? null, port ? portTimeoutMs : 0)
  } finally {
    await port?.close()
  }
})

/** Returns null if no stack with Docker runs. @throws UserError if Docker does not answer or cannot open the port */
async function findDatabasePort() {
  try {
    return await openDatabasePort()
  } catch (error) {
    if (!(error instanceof DockerFailed)) throw error
    throw new UserError(
      `no board is running on ${loadDataDir()}, and the database of the stack with Docker cannot be opened: ${error.message}`,
    )
  }
}
