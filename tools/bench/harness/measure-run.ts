import type { Entry } from './entry.ts'
import type { Ground } from './ground.ts'
import { isExact } from './is-exact.ts'
import type { LoadResult } from './parse-result.ts'
import { readUsage } from './read-usage.ts'
import { type Load, runWrk } from './run-wrk.ts'
import { watchCores } from './watch-cores.ts'

export type Run = LoadResult & {
  /** in use on average */
  cores: { servers: number; nginx: number; database: number }
  /** memory of all its servers together, at the end */
  bytes: number
  /** whether each page view was counted once; null = nothing is counted */
  exact: boolean | null
}

/** Loads one entry for a while, and looks at what that cost and whether the count is right. */
export async function measureRun(entry: Entry, load: Omit<Load, 'cookies'>, ground: Ground): Promise<Run> {
  const from = (await entry.count?.read()) ?? 0
  const cores = {
    servers: watchCores(entry.servers),
    nginx: watchCores([entry.nginx]),
    database: watchCores([ground.databasePid]),
  }
  const result = await runWrk(entry.url, { ...load, cookies: entry.cookies }, ground.site.signal)
  const used = { servers: cores.servers(), nginx: cores.nginx(), database: cores.database() }
  const after = await entry.count?.check(from)
  return {
    ...result,
    cores: used,
    bytes: readUsage(entry.servers).bytes,
    exact: after ? isExact({ from, ...after }, result, load.connections) : null,
  }
}
