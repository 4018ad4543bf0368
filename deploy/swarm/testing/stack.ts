// Runs a command beside the stack on Docker Swarm, which is removed afterwards with its database and images:
//   node deploy/swarm/testing/stack.ts node --test 'deploy/swarm/*.swarm-test.ts'
// BASE_URL is its board. If this engine is in no Swarm, it begins one, and leaves it afterwards. One run at a time: a second
// one waits.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { freePorts } from '../../../tools/lib/ports.ts'
import { waitUntil } from '../../../tools/lib/wait.ts'
import { attemptDocker, DockerFailed, docker, lines } from '../../compose/docker.ts'
import { takeProjectLock } from '../../compose/project-lock.ts'
import { runWithDocker } from '../../compose/testing/with-project.ts'

/** The stack under test. Its name is fixed: a run removes what a killed one has left. */
export const stackName = 'board-swarm-test'

const label = ['--filter', `label=com.docker.stack.namespace=${stackName}`]

/** Runs `deploy.sh`, as a person does. Another IMAGE_REVISION makes another version of the servers. */
export async function deploy(environment: Record<string, string> = {}, signal?: AbortSignal) {
  const command = spawn('sh', [`${import.meta.dirname}/../deploy.sh`, stackName], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  })
  const [[status], ...printed] = await Promise.all([
    once(command, 'close'),
    text(command.stdout),
    text(command.stderr),
  ])
  return { status: typeof status === 'number' ? status : null, printed: printed.join('') }
}

/** Removes the stack as docs/swarm.md says, with its database, and waits until nothing of it is left. */
export async function removeStack(): Promise<void> {
  await docker(['stack', 'rm', stackName])
  await waitUntil('the stack has ended', 120_000, async () => {
    const { volumes, ...others } = await leftovers()
    return Object.values(others).flat().length === 0
  })
  const { volumes } = await leftovers()
  if (volumes.length > 0) await docker(['volume', 'rm', ...volumes])
  assert.deepEqual(Object.values(await leftovers()).flat(), [])
}

/** What the engine has of the stack. */
async function leftovers() {
  const list = async (...words: string[]) => lines(await docker([...words, ...label]))
  const names = '{{.Name}}'
  return {
    services: await list('service', 'ls', '--format', names),
    containers: await list('ps', '--all', '--format', '{{.Names}}'),
    secrets: await list('secret', 'ls', '--format', names),
    configs: await list('config', 'ls', '--format', names),
    networks: await list('network', 'ls', '--format', names),
    volumes: await list('volume', 'ls', '--format', names),
  }
}

async function removeImages(): Promise<void> {
  const mine = ['--filter', `reference=${stackName}-*`, '--format', '{{.Repository}}:{{.Tag}}']
  const images = lines(await docker(['image', 'ls', ...mine]))
  if (images.length > 0) await docker(['image', 'rm', ...images])
}

/** A task's container of a service. Times are ms since 1970; `finishedAt` only counts once it does not run. */
type TaskContainer = { id: string; slot: string; running: boolean; startedAt: number; finishedAt: number }

/** All containers of a service that Swarm still keeps, also ended ones. */
export async function taskContainers(service: 'web' | 'nginx'): Promise<TaskContainer[]> {
  const mine = ['--filter', `label=com.docker.swarm.service.name=${stackName}_${service}`]
  const ids = lines(await docker(['ps', '--all', '--quiet', '--no-trunc', ...mine]))
  if (ids.length === 0) return []
  // The name of a task is STACK_SERVICE.SLOT.ID.
  const format =
    '{{.Id}} {{index .Config.Labels "com.docker.swarm.task.name"}} {{.State.Running}} {{.State.StartedAt}} {{.State.FinishedAt}}'
  return lines(await docker(['inspect', '--format', format, ...ids])).map(line => {
    const [id = '', name = '', running = '', ...times] = line.split(' ')
    const [startedAt = Number.NaN, finishedAt = Number.NaN] = times.map(time => Date.parse(time))
    return { id, slot: name.split('.').at(-2) ?? '', running: running === 'true', startedAt, finishedAt }
  })
}

/** The label of the node whose Swarm a run has begun. A run that was killed leaves it to the next one. */
const began = `${stackName}-began`

async function startStack(signal: AbortSignal) {
  const lock = await takeProjectLock({
    project: stackName,
    image: 'node:26-slim',
    signal,
    onWait: () => console.log('another run of these tests is under way: waiting for it …'),
  })
  const { value: port } = await freePorts(stackName).next()
  const url = `http://127.0.0.1:${port}`
  const environment = { ...defaults(), HTTP_PORT: String(port), REPLICAS: '3', BASE_URL: url }
  Object.assign(process.env, environment)
  const stop = async () => {
    try {
      await removeStack()
      await removeImages()
      await leaveSwarm()
    } finally {
      await lock[Symbol.asyncDispose]()
    }
  }
  try {
    await joinSwarm()
    await removeStack()
    console.log(`building and deploying the stack ${stackName} …`)
    const { status, printed } = await deploy({}, signal)
    if (status !== 0) throw new DockerFailed(`deploy.sh failed: ${printed}`)
    // The build has just written images. Until the disk has them, commits of the database can wait for seconds.
    await promisify(execFile)('sync')
    await waitUntil(`${url} has servers`, 60_000, async () => {
      signal.throwIfAborted()
      return (await fetch(`${url}/api/snapshot`)).ok
    })
    return { environment, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Empty variables, which mean the defaults: settings in the environment are for another stack. */
function defaults(): Record<string, string> {
  const files = ['stack.yml', 'deploy.sh'].map(name =>
    readFileSync(`${import.meta.dirname}/../${name}`, 'utf8'),
  )
  return Object.fromEntries(
    [...files.join('').matchAll(/\$\{([A-Z_]+):?-/g)].map(([, name = '']) => [name, '']),
  )
}

/** Begins a Swarm of this engine alone, unless it manages one. @throws DockerFailed if it is a worker of one */
async function joinSwarm(): Promise<void> {
  const state = await docker(['info', '--format', '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'])
  if (state.trim() === 'active true') return
  if (state.startsWith('active'))
    throw new DockerFailed('this engine manages no Swarm: run the tests on a manager')
  await docker(['swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:2377'])
  await docker(['node', 'update', '--label-add', `${began}=true`, await nodeId()])
}

/** Leaves the Swarm that a run has begun, unless something else runs in it now. */
async function leaveSwarm(): Promise<void> {
  const label = ['node', 'inspect', '--format', `{{index .Spec.Labels "${began}"}}`, 'self']
  if ((await attemptDocker(label)).stdout.trim() !== 'true') return
  if (lines(await docker(['service', 'ls', '--quiet'])).length > 0) {
    await docker(['node', 'update', '--label-rm', began, await nodeId()])
    console.log('The Swarm that these tests began has other services now, so it stays.')
    return
  }
  await docker(['swarm', 'leave', '--force'])
  // Docker makes it for the first Swarm and keeps it.
  await attemptDocker(['network', 'rm', 'docker_gwbridge'])
}

async function nodeId(): Promise<string> {
  return (await docker(['info', '--format', '{{.Swarm.NodeID}}'])).trim()
}

if (import.meta.main) await runWithDocker('the stack on Swarm', startStack)
