import { abortOnSignals } from '../../tools/lib/terminal.ts'
import { UserError } from '../../web/server/errors.ts'
import { applyAccounts } from './database.ts'
import { compose, DockerFailed } from './docker.ts'
import { newestVersion, readProject } from './project.ts'
import { takeProjectLock } from './project-lock.ts'
import { Replacement } from './replacement.ts'
import { replicaContainers } from './replica-containers.ts'

// `npm run roll`: replaces the replicas of the compose stack by new ones without a gap. It builds, migrates, starts the
// new ones beside the old, waits until NGINX has them, lets the old ones drain, then stops them. `docker compose up -d
// --build` stops all replicas before the new ones are there.

// Told to stop before the old ones are: the new ones go again. After that it goes on, for some seconds, to its end.
const told = abortOnSignals(() => {})

try {
  await roll()
} catch (error) {
  console.error(error instanceof UserError ? `roll: ${error.message}` : error)
  process.exitCode = 1
}

async function roll(): Promise<void> {
  const found = await replicaContainers()
  const image = found.find(({ running }) => running)?.image
  if (!image) {
    throw new DockerFailed('no replica runs. Start the stack first: docker compose up --build -d --wait')
  }
  const project = (await readProject()).name
  const onWait = () => say('another roll is under way: waiting for its end …')
  await using lock = await takeProjectLock({ project, image, signal: told, onWait })
  say('building …')
  await compose('build', '--quiet', 'web')
  if (told.aborted) throw new DockerFailed('told to stop; nothing has changed.')
  say('migrating …')
  await applyAccounts()
  say((await compose('run', '--rm', '--no-deps', '-T', 'migrate')).trim())
  const replacement = new Replacement({
    project,
    lock,
    newest: await newestVersion(),
    told,
    say,
  })
  await replacement.run(found.map(({ id }) => id))
}

function say(text: string): void {
  console.log(`roll: ${text}`)
}
