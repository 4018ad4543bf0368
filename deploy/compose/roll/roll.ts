import { abortOnSignals, outliveTerminal } from '../../../tools/lib/terminal.ts'
import { UserError } from '../../../web/server/errors.ts'
import { applyAccounts, rollWarning } from '../database.ts'
import { DockerFailed, howToChooseProject } from '../docker.ts'
import { newestVersion, readProject } from '../project.ts'
import { takeProjectLock } from '../project-lock.ts'
import { replicaContainers } from '../replica-containers.ts'
import { Replacement } from './replacement.ts'

// `npm run roll`: replaces the replicas of the compose stack without a gap. It builds, migrates, starts new replicas beside the old
// ones, waits until NGINX has the new ones, drains the old ones and stops them. `docker compose up -d --build` would stop all
// replicas before new ones run.

// A signal before the first old replica is stopped removes the new ones. After that the roll ignores it and ends within seconds. When
// the terminal closes, the roll gets a signal and goes on without output.
outliveTerminal()
const stopSignal = abortOnSignals(() => {})

const words = process.argv.slice(2)
const usage = `the command takes no options. ${howToChooseProject} roll`

try {
  if (words.includes('--help')) say(usage)
  else if (words.length > 0) throw new DockerFailed(`unknown option: ${words.join(' ')}; ${usage}`)
  else await roll()
} catch (error) {
  console.error(error instanceof UserError ? `roll: ${error.message}` : error)
  process.exitCode = 1
}

async function roll(): Promise<void> {
  const atStart = await replicaContainers()
  const image = atStart.find(({ running }) => running)?.image
  const project = (await readProject()).name
  if (!image) {
    throw new DockerFailed(
      `no replica of the project ${project} runs. Start the stack first: docker compose up --build -d --wait. ${howToChooseProject} roll`,
    )
  }
  const warning = rollWarning(atStart.length)
  if (warning) say(`warning: ${warning}.`)
  const onWait = () => say('another roll is under way: waiting for its end …')
  await using lock = await takeProjectLock({ project, image, signal: stopSignal, onWait })
  say('building …')
  await lock.compose('build', '--quiet', 'web')
  if (stopSignal.aborted) throw new DockerFailed('stopped by a signal; nothing has changed.')
  say('migrating …')
  await applyAccounts(lock)
  say((await lock.compose('run', '--rm', '--no-deps', '-T', 'migrate')).trim())
  const roll = { project, lock, newest: await newestVersion(), say }
  await Replacement.run(
    roll,
    atStart.map(({ id }) => id),
    stopSignal,
  )
}

function say(text: string): void {
  console.log(`roll: ${text}`)
}
