// `npm run roll`: replaces the replicas of the compose stack by new ones without a gap. It builds, migrates, starts the
// new ones beside the old, waits until NGINX has them, then stops the old. `docker compose up -d --build` stops all
// replicas before the new ones are there.
import { setTimeout as pause } from 'node:timers/promises'
import { applyAccounts } from './apply-accounts.ts'
import { compose, containerLog, docker } from './docker.ts'
import { DockerFailed } from './docker-failed.ts'
import { newestVersion } from './newest-version.ts'
import { type ReplicaContainer, runningReplicas } from './replica-containers.ts'
import { planRoll } from './roll-plan.ts'
import { waitUntil } from './wait-until.ts'

/** ms in which a replica must be healthy: many that start at once share the machine. */
const startPatience = 120_000
/** times a new replica may end by itself, as when the database is slow to let it in */
const endsAllowed = 2

/**
 * ms after which NGINX has looked the replicas up anew: `valid=5s` and `resolver_timeout 2s` in
 * nginx/conf/replicas.conf.template, and one more.
 */
const lookUpMs = 8000

// Told to stop before the old ones are: the new ones go again. After that it goes on, for some seconds, to its end.
const told = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => told.abort())

try {
  await roll()
} catch (error) {
  console.error(error instanceof DockerFailed ? `roll: ${error.message}` : error)
  process.exitCode = 1
}

async function roll(): Promise<void> {
  if ((await runningReplicas()).length === 0) {
    throw new DockerFailed('no replica runs. Start the stack first: docker compose up --build -d --wait')
  }
  say('building …')
  await compose('build', '--quiet', 'web')
  if (told.signal.aborted) throw new DockerFailed('told to stop; nothing has changed.')
  say('migrating …')
  await applyAccounts()
  say((await compose('run', '--rm', '--no-deps', '-T', 'migrate')).trim())

  const before = await runningReplicas()
  const { old, kept, missing } = planRoll(before, await newestVersion())
  if (missing > 0) await startBeside(before, missing)
  for (const replica of old) await end(replica)
  say(`done: ${kept.length + missing} replicas of the newest version serve.`)
}

/** Starts so many more, until NGINX has them; or none: where one does not get well all of them go again. */
async function startBeside(running: ReplicaContainer[], missing: number): Promise<void> {
  const started = async () =>
    (await runningReplicas()).filter(({ id }) => !running.some(replica => replica.id === id))
  try {
    say(`starting ${missing} beside the ${running.length} that run …`)
    const scale = `web=${running.length + missing}`
    await compose('up', '--detach', '--no-build', '--no-deps', '--no-recreate', '--scale', scale, 'web')
    await waitUntil('all new replicas are healthy', startPatience, async () => {
      const replicas = await started()
      const well = replicas.length === missing && replicas.every(isHealthy)
      return well || told.signal.aborted || replicas.some(endsAgainAndAgain)
    })
    if ((await started()).some(endsAgainAndAgain))
      throw new DockerFailed('a new replica ends again and again')
    say(`waiting ${lookUpMs / 1000} s, until NGINX has looked them up …`)
    await pause(lookUpMs, undefined, { signal: told.signal })
  } catch (error) {
    const replicas = await started()
    const unwell = replicas.find(replica => !isHealthy(replica))
    const lastWords = unwell ? `\n${unwell.name} said last:\n${await containerLog(unwell.id, 5)}` : ''
    for (const replica of replicas) await end(replica)
    const why = told.signal.aborted || !(error instanceof Error) ? 'told to stop' : error.message
    throw new DockerFailed(`${why}. The replicas that ran before serve on.${lastWords}`)
  }
}

function isHealthy({ health }: ReplicaContainer): boolean {
  return health === 'healthy'
}

function endsAgainAndAgain({ restarts }: ReplicaContainer): boolean {
  return restarts > endsAllowed
}

/** One at a time: so few that NGINX still sends to are silent at once. */
async function end({ id, name }: ReplicaContainer): Promise<void> {
  say(`stopping ${name} …`)
  await docker(['stop', id])
  await docker(['rm', '--force', id])
}

function say(text: string): void {
  console.log(`roll: ${text}`)
}
