// Control: a person drains a server, ends its drain, restarts it or kills it. endpoints/control.ts and the commands `npm run drain`
// and `undrain` call it. It writes a wish into the server's row (db/control.ts) and waits until the server acknowledges it, so any
// replica, or a program beside the replicas, can take the request.
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { type ControlCommand, controlCommands, type ServerState } from '../../shared/api.ts'
import { controlAnswerSeconds, silentAfterSeconds } from '../../shared/limits.ts'
import { readBoard } from '../db/board.ts'
import {
  type ControlRecord,
  type EndCommand,
  readEndTaken,
  readTime,
  readWishes,
  recordAcknowledged,
  restoreDrain,
  type ServerWishes,
  withControlLock,
  withdrawEnd,
  writeWish,
} from '../db/control.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { retryWhileUnavailable } from '../db/query.ts'
import { type BoardServer, serverState } from '../db/server-state.ts'
import { ControlRefused, DatabaseUnavailable } from '../errors.ts'

/** ms between two checks for a server's answer */
const pollMs = 100
/** ms for each reading of the servers */
const databaseTimeoutMs = 2000
/** ms after the deadline in which the last reading must end, so that the answer comes before NGINX stops waiting for it */
const overtimeMs = 500

export type ControlRequest = { command: ControlCommand; name: string }

/** Who sent a command. */
type Requester = {
  /** the shortened address of the client, for the record; null = the command line */
  clientIp: string | null
  /** whether the last server that is up may drain too: then new visitors are still served */
  mayDrainLast: boolean
  /** when the request came, in ms on the clock of `performance.now()`, also if this process was frozen since */
  startedAt: number
  /** whether nothing waits for the answer any more */
  hasLeft(): boolean
}

type Plan = { server: BoardServer; drainWanted: boolean; isDone: boolean }

/**
 * Runs a command on a server and waits until the server acknowledges it. A refused command never takes effect later.
 * @returns the server, and the result as a sentence
 * @throws ControlRefused, also if the database does not say whether the command was carried out; DatabaseUnavailable if the
 * database did not answer and the command was not carried out
 */
export async function controlServer(
  pools: Pools,
  request: ControlRequest,
  requester: Requester,
): Promise<{ server: BoardServer; message: string }> {
  const deadline = requester.startedAt + controlAnswerSeconds * 1000
  const sent: { plan: Plan; record: ControlRecord }[] = []
  const begun = await withControlLock(pools.write, async connection => {
    const servers = await readServers(pools)
    const wishes = await readWishes(connection)
    // A refusal is no failure of the connection, which onConnection would close.
    const plan = attempt(() => checkRequest(servers, wishes, request, requester.mayDrainLast))
    if (plan instanceof ControlRefused || plan.isDone) return { plan, record: null }
    const record = { at: await readTime(connection), serverId: plan.server.id, command: request.command }
    // This process may have been frozen until now, and the requester has another answer.
    if (requester.hasLeft() || performance.now() > deadline) return { plan: tooLate(), record: null }
    sent.push({ plan, record })
    const isWritten = await writeWish(connection, record, requester.clientIp)
    return isWritten ? { plan, record } : { plan: tooLate(), record: null }
  }).catch(async error => {
    // The wish may have been written.
    const [last] = sent
    if (!last || (await takeBack(pools, last.plan, request, deadline))) throw error
    return last
  })
  if (begun === null) throw new ControlRefused('other commands are under way: try again')
  const { plan, record } = begun
  if (plan instanceof ControlRefused) throw plan
  const { server } = plan
  if (record === null) return { server, message: alreadyText(request) }
  const servers = await waitForAnswer(pools, plan, request, deadline)
  // The server has acknowledged, so the command succeeded, recorded or not.
  await recordAcknowledged(pools.write, record).catch(() => {})
  return { server, message: outcomeText(request, servers) }
}

const tooLate = () =>
  new ControlRefused('the request is too old: its sender no longer waits for an answer', 'too_late')

function attempt<T>(work: () => T): T | ControlRefused {
  try {
    return work()
  } catch (error) {
    if (error instanceof ControlRefused) return error
    throw error
  }
}

function isEnd(command: ControlCommand): command is EndCommand {
  return command === 'restart' || command === 'kill'
}

/**
 * @returns the server, whether its drain was wanted before, and whether nothing is left to do
 * @throws ControlRefused
 */
function checkRequest(
  servers: BoardServer[],
  wishes: Map<number, ServerWishes>,
  { command, name }: ControlRequest,
  mayDrainLast: boolean,
): Plan {
  const server = findServer(servers, name)
  const { drain: drainWanted = false, end = null } = wishes.get(server.id) ?? {}
  if (end !== null) throw new ControlRefused(`${name} is being ${endedWords[end]}`)
  if (!isEnd(command)) {
    const wanted = command === 'drain'
    if (drainWanted === wanted && server.draining === wanted) return { server, drainWanted, isDone: true }
  }
  const mayBeLast = command === 'undrain' || (command === 'drain' && mayDrainLast)
  if (!mayBeLast && isLast(server, servers, wishes))
    throw new ControlRefused(
      `${name} is the last server that is up: it may not be ${endedWords[command]}`,
      'last_server',
    )
  return { server, drainWanted, isDone: false }
}

const endedWords = { drain: 'drained', restart: 'restarted', kill: 'killed', undrain: 'undrained' } as const

/**
 * Whether visitors would be left without a server. One that is silent or has a wish to end does not count; one that drains
 * counts only if this one drains too.
 */
export function isLast(
  server: BoardServer,
  servers: BoardServer[],
  wishes: ReadonlyMap<number, ServerWishes> = new Map(),
): boolean {
  const drains = (each: BoardServer) =>
    serverState(each) === 'draining' || (wishes.get(each.id)?.drain ?? false)
  return !servers.some(
    other =>
      other.id !== server.id &&
      canTake(other) &&
      other.silentMs <= silentAfterSeconds * 1000 &&
      (wishes.get(other.id)?.end ?? null) === null &&
      (!drains(other) || drains(server)),
  )
}

/**
 * Waits for the server's answer, also while the database does not answer. A command without an answer is taken back.
 * @returns all servers, or none if this one ends
 * @throws ControlRefused
 */
async function waitForAnswer(
  pools: Pools,
  plan: Plan,
  request: ControlRequest,
  deadline: number,
): Promise<BoardServer[]> {
  try {
    for (;;) {
      const servers = await readAnswer(pools, plan, request, deadline).catch(error => {
        if (error instanceof DatabaseUnavailable) return null
        throw error
      })
      if (servers !== null) return servers
      if (performance.now() > deadline)
        throw new ControlRefused(
          `${request.name} has not acknowledged the request within ${controlAnswerSeconds} s`,
          'not_acknowledged',
        )
      await pause(pollMs)
    }
  } catch (error) {
    if (await takeBack(pools, plan, request, deadline)) throw error
    return []
  }
}

/** @returns null if the server has not answered yet @throws ControlRefused, or DatabaseUnavailable */
async function readAnswer(
  pools: Pools,
  { server }: Plan,
  { command }: ControlRequest,
  deadline: number,
): Promise<BoardServer[] | null> {
  const timeLeft = () =>
    Math.min(databaseTimeoutMs, Math.max(overtimeMs / 5, deadline + overtimeMs - performance.now()))
  if (isEnd(command) && (await readEndTaken(pools.read, server.id, timeLeft()))) return []
  const servers = await readServers(pools, timeLeft())
  const { draining } = findInstance(servers, server)
  return !isEnd(command) && draining === (command === 'drain') ? servers : null
}

/**
 * Takes a wish back, so that the server does not take it later. Retries until the deadline while the database does not answer.
 * @returns false if the server has acknowledged that it ends
 * @throws ControlRefused if the database does not answer: then the wish ends by itself, because a server takes none that is old
 */
async function takeBack(
  pools: Pools,
  { server, drainWanted }: Plan,
  { command, name }: ControlRequest,
  deadline: number,
): Promise<boolean> {
  try {
    return await retryWhileUnavailable(
      async () => {
        if (isEnd(command)) return await withdrawEnd(pools.write, server.id)
        await restoreDrain(pools.write, server.id, drainWanted)
        return true
      },
      Math.max(0, deadline - performance.now()),
    )
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error
    const what = `${name} may still be ${endedWords[command]} within ${controlAnswerSeconds} s`
    throw new ControlRefused(`${what}: the database does not answer`, 'outcome_unknown')
  }
}

/** The same instance, not a later one with its name. @throws ControlRefused */
function findInstance(servers: BoardServer[], { id, name }: BoardServer): BoardServer {
  return findServer(
    servers.filter(server => server.id === id),
    name,
  )
}

async function readServers(pools: Pools, timeoutMs = databaseTimeoutMs): Promise<BoardServer[]> {
  return (await readBoard(pools.read, timeoutMs)).servers
}

/** drain: take no new visitors. undrain: take them again. */
export type DrainRequest = { change: 'drain' | 'undrain'; name: string }

const drainWords = z
  .tuple([z.enum(controlCommands).extract(['drain', 'undrain']), z.string().min(1)])
  .transform(([change, name]): DrainRequest => ({ change, name }))

/** Parses a command's words: `drain web-2`. @throws ControlRefused */
export function parseDrainRequest(words: string[]): DrainRequest {
  const parsed = drainWords.safeParse(words)
  if (parsed.success) return parsed.data
  throw new ControlRefused('name one server: npm run drain -- web-2, or npm run undrain -- web-2')
}

/**
 * Drains a server or ends its drain, for the command line: also the last server that is up, because a person there may know more.
 * @returns the result as a sentence
 * @throws as controlServer
 */
export async function changeDrain(databaseUrl: string, { change, name }: DrainRequest): Promise<string> {
  const pools = openPools(databaseUrl)
  try {
    const requester = {
      clientIp: null,
      mayDrainLast: true,
      startedAt: performance.now(),
      hasLeft: () => false,
    }
    return (await controlServer(pools, { command: change, name }, requester)).message
  } finally {
    await closePools(pools)
  }
}

/** The server with that name, if it can take the request. @throws ControlRefused with the reason */
export function findServer(servers: BoardServer[], name: string): BoardServer {
  const candidates = servers.filter(server => server.name === name)
  // A name is free again once its server is gone, so several may have had it recently. One has it now.
  const found = candidates.find(canTake) ?? candidates.at(-1)
  if (!found) throw new ControlRefused(`there is no server ${name}${others(servers)}`, 'no_server')
  if (!canTake(found)) throw new ControlRefused(`${name} ${whyNot(found)}`)
  return found
}

function canTake(server: BoardServer): boolean {
  const states: ServerState[] = ['up', 'draining']
  return states.includes(serverState(server))
}

function whyNot(server: BoardServer): string {
  const state = serverState(server)
  if (state === 'stopped') return 'has stopped'
  if (state === 'joining') return 'is still starting: try again once the board shows it as up'
  return `is lost: its last heartbeat was ${Math.round(server.silentMs / 1000)} s ago`
}

function others(servers: BoardServer[]): string {
  const names = servers.filter(canTake).map(server => server.name)
  return names.length > 0 ? `, only ${names.join(', ')}` : ', nor any other'
}

/** The result, as one sentence. */
export function outcomeText({ command, name }: ControlRequest, servers: BoardServer[]): string {
  if (command === 'undrain') return `${name} takes new visitors again`
  if (command === 'restart') return `${name} restarts: it finishes what it has begun, and starts again`
  if (command === 'kill') return `${name} ends as in a crash, and starts again`
  const open = servers.filter(server => serverState(server) === 'up').map(server => server.name)
  return open.length > 0
    ? `${name} drains: its visitors stay, new ones go to ${open.join(', ')}`
    : `${name} drains, and so does every other server: new visitors are still served`
}

/** The result if there was nothing to do. */
export function alreadyText({ command, name }: ControlRequest): string {
  return command === 'drain' ? `${name} drains already` : `${name} does not drain: nothing to undo`
}
