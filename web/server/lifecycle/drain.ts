import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { ServerState } from '../../shared/api.ts'
import { readBoard } from '../db/board.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { type BoardServer, serverState } from '../db/server-row.ts'
import { readDrainWish, writeDrainWish } from '../db/servers.ts'
import { DrainRefused } from '../errors.ts'

/** ms a server gets to answer; it looks twice a second */
const answerTimeoutMs = 10_000
/** ms between two looks for its answer */
const pollMs = 100
/** ms the database gets for each question */
const databasePatience = 2000

/**
 * Asks a server to drain, or to take new visitors again, and waits until it says that it does.
 * @returns what came of it, for the person who asked
 * @throws DrainRefused, or DatabaseTrouble when the database does not answer
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
  const asked = await readDrainWish(pools.read, server.id, databasePatience)
  if (asked === wanted && server.draining === wanted) return alreadyText(request)
  await writeDrainWish(pools.write, server.id, wanted)
  try {
    return outcomeText(request, await untilItAnswers(pools, server, wanted))
  } catch (error) {
    // What was refused must not come true later, when the server is back.
    await writeDrainWish(pools.write, server.id, asked).catch(() => {})
    throw error
  }
}

/** @returns the servers, once that one says that it does as asked @throws DrainRefused */
async function untilItAnswers(pools: Pools, server: BoardServer, wanted: boolean): Promise<BoardServer[]> {
  const deadline = performance.now() + answerTimeoutMs
  for (;;) {
    const servers = await readServers(pools)
    if (findLife(servers, server).draining === wanted) return servers
    if (performance.now() > deadline)
      throw new DrainRefused(`${server.name} was asked, and has not answered for ${answerTimeoutMs / 1000} s`)
    await pause(pollMs)
  }
}

/** The same life, not one that has its name by now. @throws DrainRefused */
function findLife(servers: BoardServer[], { id, name }: BoardServer): BoardServer {
  return findServer(
    servers.filter(server => server.id === id),
    name,
  )
}

async function readServers(pools: Pools): Promise<BoardServer[]> {
  return (await readBoard(pools.read, databasePatience)).servers
}

/** To take no new visitors, or to take them again. */
export type DrainRequest = { change: 'drain' | 'undrain'; name: string }

const drainWords = z
  .tuple([z.enum(['drain', 'undrain']), z.string().min(1)])
  .transform(([change, name]): DrainRequest => ({ change, name }))

/** From the words of a command: `drain web-2`. @throws DrainRefused */
export function parseDrainRequest(words: string[]): DrainRequest {
  const parsed = drainWords.safeParse(words)
  if (parsed.success) return parsed.data
  throw new DrainRefused(
    'say which server, and one only: npm run drain -- web-2, or npm run undrain -- web-2',
  )
}

/** The server of that name, in a state to be asked. @throws DrainRefused saying why there is none */
export function findServer(servers: BoardServer[], name: string): BoardServer {
  const candidates = servers.filter(server => server.name === name)
  // A name is free again once its server has gone: so several may have had it lately, and one has it.
  const found = candidates.find(canBeAsked) ?? candidates.at(-1)
  if (!found) throw new DrainRefused(`there is no server ${name}${others(servers)}`)
  if (!canBeAsked(found)) throw new DrainRefused(`${name} ${whyNot(found)}`)
  return found
}

function canBeAsked(server: BoardServer): boolean {
  const askable: ServerState[] = ['up', 'draining']
  return askable.includes(serverState(server))
}

function whyNot(server: BoardServer): string {
  const state = serverState(server)
  if (state === 'stopped') return 'has stopped'
  if (state === 'joining') return 'is only starting: ask again once the board shows it as up'
  return `is lost: it was last heard of ${Math.round(server.silentMs / 1000)} s ago`
}

function others(servers: BoardServer[]): string {
  const names = servers.filter(canBeAsked).map(server => server.name)
  return names.length > 0 ? `, only ${names.join(', ')}` : ', nor any other'
}

/** What has come of it, as one sentence. */
export function outcomeText({ change, name }: DrainRequest, servers: BoardServer[]): string {
  if (change === 'undrain') return `${name} takes new visitors again`
  const open = servers.filter(server => serverState(server) === 'up').map(server => server.name)
  return open.length > 0
    ? `${name} drains: its visitors stay, new ones go to ${open.join(', ')}`
    : `${name} drains, and so does every other server: new visitors are served all the same`
}

/** When there was nothing to do. */
export function alreadyText({ change, name }: DrainRequest): string {
  return change === 'drain' ? `${name} drains already` : `${name} does not drain: nothing to undo`
}
