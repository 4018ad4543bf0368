import type { Contender } from './contenders/contender.ts'
import { entryOf } from './contenders/entry-of.ts'
import type { GrowthExtent } from './extent.ts'
import type { Ground } from './harness/ground.ts'
import { measureRun } from './harness/measure-run.ts'
import { say } from './harness/say.ts'
import { type Summary, summarise } from './harness/summary.ts'

/** Loads a board that has just been started, first for a second that does not count. */
export async function measureLoad(
  name: string,
  board: Contender,
  connections: number,
  { rounds, seconds }: GrowthExtent,
  ground: Ground,
): Promise<Summary> {
  const entry = entryOf(board)
  await measureRun(entry, { connections, seconds: 1 }, ground)
  const runs = []
  for (let round = 0; round < rounds; round++)
    runs.push(await measureRun(entry, { connections, seconds }, ground))
  const summary = summarise(name, runs)
  say('growth', `${name}: ${Math.round(summary.page_views_per_second.median)}/s`)
  return summary
}
