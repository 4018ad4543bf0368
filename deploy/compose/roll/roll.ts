import { abortOnSignals, outliveTerminal } from '../../../tools/lib/terminal.ts'
import { reasonOf, UserError } from '../../../web/server/errors.ts'
import { applyAccounts, rollWarning } from '../database.ts'
import {
  DockerFailed,
  howToChooseProject,
  isHealthy,
  type ReplicaContainer,
  replicaContainers,
  runningReplicas,
} from '../docker.ts'
import { newestVersion, readProject } from '../project.ts'
import { type ProjectLock, takeProjectLock } from '../project-lock.ts'
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
  const { name: project, services } = await readProject()
  if (!image) {
    throw new DockerFailed(
      `no replica of the project ${project} runs. Start the stack first: docker compose up --build -d --wait. ${howToChooseProject} roll`,
    )
  }
  const warning = rollWarning(atStart.length)
  if (warning) say(`warning: ${warning}.`)
  const onWait = () => say('another roll is under way: waiting for its end …')
  await using lock = await takeProjectLock({ project, image, signal: stopSignal, onWait })
  try {
    await replaceBy(lock, project, atStart)
  } catch (error) {
    await keepServingVersion(lock, services.web.image)
    throw error
  }
}

/** Builds the new version, migrates, and replaces the replicas by it. `atStart`: the containers at the start of the command. */
async function replaceBy(lock: ProjectLock, project: string, atStart: ReplicaContainer[]): Promise<void> {
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

/**
 * After a roll has failed: lets the image's name mean the version that serves, the former one if no old replica was stopped. With the
 * name on the new version the next `docker compose up -d` would replace all replicas together by the version that has just failed. Says
 * which replicas that command would still replace. Never throws: the roll's error matters more.
 */
async function keepServingVersion(lock: ProjectLock, name: string): Promise<void> {
  try {
    const running = await runningReplicas()
    const image = mostFrequentImage(running.filter(isHealthy)) ?? mostFrequentImage(running)
    if (!image) return
    await lock.docker(['tag', image, name])
    say(`the image ${name} is the version that serves.`)
    // They may be of the new version or its settings. When compose recreates a service, it also recreates all that depend on it, so also
    // MySQL and all replicas. When it creates one that has no container, it does not.
    await lock.compose('rm', '--force', 'secrets', 'migrate')
    const { configHash } = await newestVersion()
    sayReplaced(
      running.filter(replica => replica.image !== image),
      '',
    )
    sayReplaced(
      running.filter(replica => replica.image === image && replica.configHash !== configHash),
      ' with the settings of this roll',
    )
  } catch (failure) {
    say(`the image ${name} may still be the new version: ${reasonOf(failure)}`)
    say(
      'docker compose up -d would then replace all replicas together. docs/operations.md says how to prevent this.',
    )
  }
}

/** The image that most of `replicas` have; of two equally frequent ones that of the lowest number. */
function mostFrequentImage(replicas: ReplicaContainer[]): string | undefined {
  const byImage = [...Map.groupBy(replicas, ({ image }) => image)]
  return byImage.toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0]
}

function sayReplaced(replicas: ReplicaContainer[], settings: string): void {
  if (replicas.length === 0) return
  say(
    `docker compose up -d${settings} would replace or remove ${replicas.map(({ name }) => name).join(', ')} together.`,
  )
}

function say(text: string): void {
  console.log(`roll: ${text}`)
}
