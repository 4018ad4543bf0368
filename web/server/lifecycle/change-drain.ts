import { setTimeout as pause } from 'node:timers/promises'
import { readBoard } from '../db/board.ts'
import type { BoardServer } from '../db/board-server.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { readDrainWish } from '../db/read-drain-wish.ts'
import { writeDrainWish } from '../db/write-drain-wish.ts'
import { DrainRefused } from '../refused.ts'
import { findServer } from './find-server.ts'
import { alreadyText, outcomeText } from './outcome.ts'
import type { DrainRequest } from './request.ts'

/** ms a server gets to answer; it looks twice a second */
const patience = 10_000
/** ms between two looks for its answer */
const rest = 100
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
  const deadline = performance.now() + patience
  for (;;) {
    const servers = await readServers(pools)
    if (findLife(servers, server).draining === wanted) return servers
    if (performance.now() > deadline)
      throw new DrainRefused(`${server.name} was asked, and has not answered for ${patience / 1000} s`)
    await pause(rest)
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
