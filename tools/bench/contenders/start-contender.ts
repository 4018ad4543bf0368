import { join } from 'node:path'
import { openDataDir } from '../../launcher/stack/data-dir.ts'
import { bringUpReplicas } from '../../launcher/stack/replicas.ts'
import { openRoster } from '../../launcher/stack/roster.ts'
import { bringUpNginx, checkNginx } from '../../launcher/stack/stages-nginx.ts'
import { openUndo } from '../../launcher/stack/undo.ts'
import type { Ground } from '../harness/ground.ts'
import { makeSchema } from '../harness/make-schema.ts'
import { say } from '../harness/say.ts'
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
