import { ask } from './ask.ts'
import type { WritePool } from './pools.ts'

/** Asks a life of a replica to drain, or to take new visitors again. @throws DatabaseTrouble */
export async function writeDrainWish(pool: WritePool, serverId: number, wanted: boolean): Promise<void> {
  await ask(pool, 'UPDATE server SET drain_wanted = ? WHERE id = ?', [wanted, serverId])
}
