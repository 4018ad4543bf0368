// Runs a command beside the stack on Docker Swarm, which is removed afterwards with its database and images:
//   node deploy/swarm/testing/with-stack.ts node --test 'deploy/swarm/*.swarm-test.ts'
// BASE_URL is its board. If this engine is in no Swarm, it begins one, and leaves it afterwards. One run at a time: a second
// one waits.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { freePorts } from '../../../tools/lib/ports.ts'
import { waitUntil } from '../../../tools/lib/wait.ts'
import { attemptDocker, DockerFailed, docker } from '../../compose/docker.ts'
import { takeProjectLock } from '../../compose/project-lock.ts'
import { runWithDocker } from '../../compose/testing/with-project.ts'
import { deploy, lines, removeImages, removeStack, stackName } from './stack.ts'

/** The label of the node whose Swarm a run has begun. A run that was killed leaves it to the next one. */
const began = `${stackName}-began`

await runWithDocker('the stack on Swarm', startStack)

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
