// Runs a command beside a new compose project, which is removed afterwards with its volumes and image:
//   node deploy/compose/testing/with-project.ts node --test 'deploy/compose/**/*.compose-test.ts'
// BASE_URL is its board.
import { readFileSync } from 'node:fs'
import { freePorts } from '../../../tools/lib/ports.ts'
import { type Companion, runBeside } from '../../../tools/lib/testing.ts'
import { waitUntil } from '../../../tools/lib/wait.ts'
import { compose, docker, engineAnswers } from '../docker.ts'
import { removeUnfinishedRoll } from '../project-lock.ts'

const project = `board-test-${process.pid}`

async function startProject(signal: AbortSignal) {
  const ports = freePorts(project)
  const { value: port } = await ports.next()
  const { value: databasePort } = await ports.next()
  const url = `http://127.0.0.1:${port}`
  const environment = {
    ...defaults(),
    COMPOSE_PROJECT_NAME: project,
    COMPOSE_FILE: 'docker-compose.yml',
    HTTP_PORT: `127.0.0.1:${port}`,
    DATABASE_PORT: String(databasePort),
    REPLICAS: '3',
    STICKY_SECONDS: '300',
    SHOW_CLIENT_IPS: 'short',
    ADMIN_TOKEN: 'the-token.of~this_test-project',
    // Has characters that are special in a shell, SQL or a URL.
    DATABASE_PASSWORD: ` o'dd "p\\ä%/@:#?$x `,
  }
  Object.assign(process.env, environment)
  const stop = async () => {
    await compose('--profile', '*', 'down', '--volumes', '--remove-orphans', '--timeout', '5')
    await docker(['image', 'rm', `${project}-web`]).catch(() => {})
    await removeUnfinishedRoll({ docker }, project)
  }
  try {
    console.log(`building and starting the compose project ${project} …`)
    await compose('up', '--build', '--detach', '--wait', '--wait-timeout', '240')
    await waitUntil(`${url} has replicas`, 30_000, async () => {
      signal.throwIfAborted()
      return (await fetch(`${url}/api/snapshot`)).ok
    })
    return { environment: { ...environment, BASE_URL: url }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * Runs this process's command beside what `start` starts. If no Docker engine answers, it prints so and runs nothing. In CI that
 * is a failure.
 */
export async function runWithDocker(
  what: string,
  start: (signal: AbortSignal) => Promise<Companion>,
): Promise<void> {
  if (await engineAnswers()) return runBeside(process.argv.slice(2), start)
  if (process.env.CI) {
    console.error(`No Docker engine answers, and in CI ${what} must be tested.`)
    process.exitCode = 1
  } else console.log(`Skipped: no Docker engine answers, so ${what} was not tested.`)
}

/** Empty variables, which mean the defaults: settings in the environment or .env are for another stack. */
function defaults(): Record<string, string> {
  const example = readFileSync(`${import.meta.dirname}/../../../.env.example`, 'utf8')
  return Object.fromEntries([...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name = '']) => [name, '']))
}

if (import.meta.main) await runWithDocker('the compose stack', startProject)
