import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { waitUntil } from '../../../tools/lib/wait.ts'
import { docker } from '../../compose/docker.ts'

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

export async function removeImages(): Promise<void> {
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

export const lines = (printed: string) => printed.split('\n').filter(Boolean)
