import { join } from 'node:path'
import { openDataDir } from '../../launcher/stack/data-dir.ts'
import { bringUpNginx, checkNginx } from '../../launcher/stack/nginx.ts'
import { bringUpReplicas } from '../../launcher/stack/replicas.ts'
import type { ReplicaProgram } from '../../launcher/stack/stack-options.ts'
import { openRoster } from '../../launcher/stack/workspace.ts'
import { countIn, makeSchema, type Tables } from '../harness/database.ts'
import { say } from '../harness/report.ts'
import type { Entry } from '../harness/rounds.ts'
import type { Testbed } from '../harness/testbed.ts'

/** A way to count page views: what it is called, what is run behind NGINX, and what it counts in. */
export type Entrant = { name: string; program: ReplicaProgram; tables: Tables }

/** An entrant that runs: its servers behind an NGINX of its own, with the board's settings. */
export type Contender = {
  name: string
  url: string
  databaseUrl: string
  tables: Tables
  servers: { pid: number; address: string; srvId: string }[]
  nginxPid: number
  stop: () => Promise<void>
}

type StartOptions = {
  /** default: 3 */
  replicas?: number
  /** a database to count in; default: an empty one of its own */
  databaseUrl?: string
}

/** Starts an entrant as the board itself is started: the same stages, the same NGINX configuration. */
export async function startContender(
  ground: Testbed,
  { name, program, tables }: Entrant,
  { replicas = 3, databaseUrl }: StartOptions = {},
): Promise<Contender> {
  const resources = ground.site.resources.use(new AsyncDisposableStack())
  const site = {
    ...ground.site,
    dataDir: await openDataDir(join(ground.site.dataDir.folder, name)),
    roster: openRoster(),
    resources,
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
    stop: () => resources.disposeAsync(),
  }
}

/** A contender as it is measured; with `cookies`, its visitors come back to the servers they know. */
export function entryOf(contender: Contender, { name = contender.name, cookies = false } = {}): Entry {
  const { url, servers, nginxPid, databaseUrl, tables } = contender
  return {
    name,
    url,
    cookies: cookies ? servers.map(server => server.srvId) : [],
    servers: servers.map(server => server.pid),
    nginx: nginxPid,
    count: countIn(databaseUrl, tables),
  }
}
