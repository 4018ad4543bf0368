import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { ServerState } from '../../shared/api.ts'
import { readBoard } from '../db/board.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { type BoardServer, serverState } from '../db/server-state.ts'
import { readDrainWanted, writeDrainWanted } from '../db/servers.ts'
import { DrainRefused } from '../errors.ts'

/** ms for a server to acknowledge; it reads the request twice a second */
const answerTimeoutMs = 10_000
/** ms between two checks for its answer */
const pollMs = 100
/** ms for each database query */
const databaseTimeoutMs = 2000

/**
 * Asks a server to drain, or to take new visitors again, and waits until it acknowledges.
 * @returns the result as a sentence
 * @throws DrainRefused, or DatabaseUnavailable if the database does not answer
 */
export async function changeDrain(databaseUrl: string, request: DrainRequest): Promise<string> {
  const pools = openPools(databaseUrl)
  try {
    return await change(pools, request)
  } finally {
    await closePools(pools)
  }
}

async function change(pools: Pools, request: DrainRequest): Promise<string> {
  const wanted = request.change === 'drain'
  const server = findServer(await readServers(pools), request.name)
  const before = await readDrainWanted(pools.read, server.id, databaseTimeoutMs)
  if (before === wanted && server.draining === wanted) return alreadyText(request)
  await writeDrainWanted(pools.write, server.id, wanted)
  try {
    return outcomeText(request, await waitForAnswer(pools, server, wanted))
  } catch (error) {
    // Undo it: a refused request must not take effect later, when the server is back.
    await writeDrainWanted(pools.write, server.id, before).catch(() => {})
    throw error
  }
}

/** @returns all servers, once this one acknowledges @throws DrainRefused */
async function waitForAnswer(pools: Pools, server: BoardServer, wanted: boolean): Promise<BoardServer[]> {
  const deadline = performance.now() + answerTimeoutMs
  for (;;) {
    const servers = await readServers(pools)
    if (findInstance(servers, server).draining === wanted) return servers
    if (performance.now() > deadline)
      throw new DrainRefused(
        `${server.name} has not acknowledged the request within ${answerTimeoutMs / 1000} s`,
      )
    await pause(pollMs)
  }
}

/** The same instance, not a later one with its name. @throws DrainRefused */
function findInstance(servers: BoardServer[], { id, name }: BoardServer): BoardServer {
  return findServer(
    servers.filter(server => server.id === id),
    name,
  )
}

async function readServers(pools: Pools): Promise<BoardServer[]> {
  return (await readBoard(pools.read, databaseTimeoutMs)).servers
}

/** drain: take no new visitors. undrain: take them again. */
export type DrainRequest = { change: 'drain' | 'undrain'; name: string }

const drainWords = z
  .tuple([z.enum(['drain', 'undrain']), z.string().min(1)])
  .transform(([change, name]): DrainRequest => ({ change, name }))

/** Parses a command's words: `drain web-2`. @throws DrainRefused */
export function parseDrainRequest(words: string[]): DrainRequest {
  const parsed = drainWords.safeParse(words)
  if (parsed.success) return parsed.data
  throw new DrainRefused('name one server: npm run drain -- web-2, or npm run undrain -- web-2')
}

/** The server with that name, if it can take the request. @throws DrainRefused with the reason */
export function findServer(servers: BoardServer[], name: string): BoardServer {
  const candidates = servers.filter(server => server.name === name)
  // A name is free again once its server is gone, so several may have had it recently. One has it now.
  const found = candidates.find(canDrain) ?? candidates.at(-1)
  if (!found) throw new DrainRefused(`there is no server ${name}${others(servers)}`)
  if (!canDrain(found)) throw new DrainRefused(`${name} ${whyNot(found)}`)
  return found
}

function canDrain(server: BoardServer): boolean {
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
  const names = servers.filter(canDrain).map(server => server.name)
  return names.length > 0 ? `, only ${names.join(', ')}` : ', nor any other'
}

/** The result, as one sentence. */
export function outcomeText({ change, name }: DrainRequest, servers: BoardServer[]): string {
  if (change === 'undrain') return `${name} takes new visitors again`
  const open = servers.filter(server => serverState(server) === 'up').map(server => server.name)
  return open.length > 0
    ? `${name} drains: its visitors stay, new ones go to ${open.join(', ')}`
    : `${name} drains, and so does every other server: new visitors are still served`
}

/** The result if there was nothing to do. */
export function alreadyText({ change, name }: DrainRequest): string {
  return change === 'drain' ? `${name} drains already` : `${name} does not drain: nothing to undo`
}
