import { z } from 'zod'
import { ask } from './ask.ts'
import type { ReadPool } from './pools.ts'

const lives = z.array(z.object({ id: z.number().int() }))

/** The lives of a server that answered at least one hit. */
export async function readServerLives(read: ReadPool, srvId: string): Promise<number[]> {
  const rows = await ask(read, 'SELECT id FROM server WHERE srv_id = ? AND hits > 0', [srvId])
  return lives.parse(rows).map(life => life.id)
}
