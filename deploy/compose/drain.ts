import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { ControlRefused } from '../../web/server/errors.ts'
import type { DrainRequest } from '../../web/server/lifecycle/control.ts'
import {
  attemptDocker,
  DockerFailed,
  isHealthy,
  type ReplicaContainer,
  readInReplica,
  runningReplicas,
  unlessGone,
} from './docker.ts'
import { readProject, stickySecondsOfNginx } from './project.ts'
import { type ProjectLock, readUnfinishedRoll, takeProjectLock, writeUnfinishedRoll } from './project-lock.ts'

/** ms between two checks for page views of a draining server */
const checkEveryMs = 3000

const board = z.looseObject({
  servers: z.array(
    z.looseObject({
      id: z.number(),
      name: z.string(),
      address: z.string(),
      state: z.string(),
      hits: z.number(),
    }),
  ),
})

type ShownServer = z.output<typeof board>['servers'][number]

/**
 * Drains a server of the compose stack, or ends its drain. Runs the command in a replica, because only replicas reach the database.
 * @returns the outcome in sentences
 * @throws ControlRefused; DockerFailed if no such stack runs
 */
export async function changeDrainInContainer({ change, name }: DrainRequest): Promise<string> {
  const replicas = await runningReplicas()
  const outcome = await requestChange({ change, name }, replicaToQuery(replicas))
  if (change === 'undrain') return outcome
  const { container } = await findContainer(name, replicas)
  const seconds = await stickySecondsOfNginx()
  const where = `${outcome}.\n${name} runs in the container ${container.name}.`
  if (!(await anotherIsOpen(name)))
    return `${where} No other server is up and takes new visitors: do not stop it before one does.`
  return `${where} Its visitors come back for ${seconds} s after their last page view; after that, this stops it:
  docker stop ${container.name} && docker rm ${container.name}`
}

/**
 * Runs the drain command in `replica`. A caller that holds the project's lock passes the lock's `attempt` as `run`.
 * @returns the outcome in a sentence of the replica
 * @throws ControlRefused
 */
export async function requestChange(
  { change, name }: DrainRequest,
  replica: ReplicaContainer,
  run: ProjectLock['attempt'] = attemptDocker,
): Promise<string> {
  const program = ['node', 'web/drain.mjs', change, name]
  const { status, stdout, stderr } = await run(['exec', replica.id, ...program])
  if (status !== 0) throw new ControlRefused(stderr.trim())
  return stdout.trim()
}

/** The servers on the board, read from `replica`. @throws DockerFailed */
export async function readServers(replica: ReplicaContainer): Promise<ShownServer[]> {
  return board.parse(await readInReplica(replica, '/api/snapshot')).servers
}

/** The server in a container. Names on the board and names of containers differ. */
export function serverIn(container: ReplicaContainer, servers: ShownServer[]): ShownServer | undefined {
  return servers.findLast(
    ({ address, state }) => container.addresses.includes(address) && ['up', 'draining'].includes(state),
  )
}

/** @throws ControlRefused if no other replica takes new visitors: without this one no replica would serve */
export async function refuseTheLast(name: string): Promise<void> {
  if (!(await anotherIsOpen(name)))
    throw new ControlRefused(`${name} is not stopped: no other server is up and takes new visitors`)
}

/** Whether a healthy replica other than `name` takes new visitors. @throws DockerFailed */
async function anotherIsOpen(name: string): Promise<boolean> {
  const replicas = await runningReplicas()
  const servers = await readServers(replicaToQuery(replicas))
  return replicas.filter(isHealthy).some(replica => {
    const server = serverIn(replica, servers)
    return server?.state === 'up' && server.name !== name
  })
}

/**
 * Waits until a draining server has had no page view for the lifetime of the cookie, then stops and removes its container.
 * `signal` ends the wait; the server goes on draining.
 * @returns the outcome in a sentence
 * @throws ControlRefused if it no longer drains or is the last that serves; DockerFailed
 */
export async function stopDrained(
  name: string,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const first = await findContainer(name, await runningReplicas())
  const seconds = await stickySecondsOfNginx()
  const project = (await readProject()).name
  say(`waiting until ${name} has had no page view for ${seconds} s. Ctrl-C leaves it draining.`)
  const look = async () => {
    const { container, server } = await findContainer(name, await runningReplicas())
    if (server.id !== first.server.id || server.state !== 'draining')
      throw new ControlRefused(`${name} no longer drains, and was not stopped`)
    return { container, hits: server.hits }
  }
  let { hits } = first.server
  for (;;) {
    let quietSince = performance.now()
    while (performance.now() - quietSince < seconds * 1000) {
      await pause(checkEveryMs, undefined, { signal }).catch(() => {
        throw new ControlRefused(`${name} goes on draining, and was not stopped`)
      })
      const now = await look()
      if (now.hits > hits) quietSince = performance.now()
      hits = now.hits
    }
    const onWait = () => say('a roll is under way: waiting for its end …')
    await using lock = await takeProjectLock({ project, image: first.container.image, signal, onWait })
    // Meanwhile a roll may have replaced it, or a visitor may have come back.
    const { container, hits: hitsNow } = await look()
    if (hitsNow > hits) continue
    await refuseTheLast(name)
    await lock.docker(['stop', container.id]).catch(unlessGone)
    await lock.docker(['rm', '--force', container.id]).catch(unlessGone)
    const left = (await runningReplicas()).length
    await leaveFewer(lock, project, left)
    return `${name} is stopped, its container ${container.name} removed; ${left} ${left === 1 ? 'replica is' : 'replicas are'} left. To start no other in its place, set REPLICAS=${left}, or give --scale web=${left} from now on.`
  }
}

/** Lowers the number of replicas in an unfinished roll: the next roll must not start this one again. */
async function leaveFewer(lock: ProjectLock, project: string, left: number): Promise<void> {
  const unfinished = await readUnfinishedRoll(project)
  if (unfinished && unfinished.wanted > left)
    await writeUnfinishedRoll(lock, project, { ...unfinished, wanted: left })
}

/** A replica that can answer about all servers, healthy if possible. @throws DockerFailed if none runs */
function replicaToQuery(replicas: ReplicaContainer[]): ReplicaContainer {
  const replica = replicas.find(isHealthy) ?? replicas[0]
  if (!replica) throw new DockerFailed('no replica runs')
  return replica
}

/** @throws ControlRefused */
async function findContainer(name: string, replicas: ReplicaContainer[]) {
  const servers = await readServers(replicaToQuery(replicas))
  for (const container of replicas) {
    const server = serverIn(container, servers)
    if (server?.name === name) return { container, server }
  }
  throw new ControlRefused(`no container of this project runs ${name} now`)
}
