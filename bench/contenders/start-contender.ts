import { join } from 'node:path'
import { openDataDir } from '../../local/data-dir.ts'
import { openRoster } from '../../local/roster.ts'
import { bringUpNginx, checkNginx } from '../../local/stages/nginx.ts'
import { bringUpReplicas } from '../../local/stages/replicas.ts'
import { openUndo } from '../../local/undo.ts'
import { makeSchema } from '../database/make-schema.ts'
import type { Ground } from '../ground.ts'
import { say } from '../say.ts'
import type { Contender, Entrant } from './contender.ts'

export type StartOptions = {
  /** default: 3 */
  replicas?: number
  /** a database to count in; default: an empty one of its own */
  databaseUrl?: string
}

/** Starts an entrant as the board itself is started: the same stages, the same NGINX configuration. */
export async function startContender(
  ground: Ground,
  { name, program, tables }: Entrant,
  { replicas = 3, databaseUrl }: StartOptions = {},
): Promise<Contender> {
  const undo = openUndo()
  ground.site.undo.add(undo.run)
  const site = {
    ...ground.site,
    dataDir: await openDataDir(join(ground.site.dataDir.folder, name)),
    roster: openRoster(),
    undo,
    report: (part: string, text: string) => say(`${name} ${part}`, text),
  }
  const options = { replicas, replica: program, dataDir: site.dataDir.folder, drainSeconds: 0 }
  const url = databaseUrl ?? (await makeSchema(ground.databaseUrl, `bench_${name}`, tables))
  const places = await bringUpReplicas(options, site, url)
  return {
    name,
    url: await bringUpNginx(options, site, await checkNginx({}), places),
    databaseUrl: url,
    tables,
    servers: places.map(({ name, address, srvId }) => ({ pid: site.roster.pidOf(name), address, srvId })),
    nginxPid: site.roster.pidOf('nginx'),
    stop: undo.run,
  }
}
