import { z } from 'zod'
import { askForRow } from './ask-database.ts'

const status = z.object({ Value: z.coerce.number() })

/**
 * How many queries that read the servers at these addresses have asked so far, but for the one in each batch of hits.
 * Only they may use the database meanwhile.
 */
export async function countReads(databaseUrl: string, addresses: string[]): Promise<number> {
  const { Value } = await askForRow(databaseUrl, status, "SHOW GLOBAL STATUS LIKE 'Com_select'")
  const batches = await Promise.all(addresses.map(readBatches))
  return Value - batches.reduce((sum, count) => sum + count, 0)
}

async function readBatches(address: string): Promise<number> {
  const metrics = await (await fetch(`http://${address}/metrics`)).text()
  const count = /^balance_board_batch_hits_count(?:\{.*\})? (\d+)$/m.exec(metrics)?.[1]
  if (count === undefined) throw new Error(`${address} does not say how many batches it has made`)
  return Number(count)
}
