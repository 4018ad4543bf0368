// Starts what is compared. entrants.ts lists the programs, this module runs each behind an NGINX with the launcher's steps,
// and static-file.ts runs NGINX alone. Called by main.ts, growth.ts and targets.ts; counts in databases of ../harness.

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

/** A way to count page views: its name, the program behind NGINX, and its tables */
export type Entrant = { name: string; program: ReplicaProgram; tables: Tables }

/** A running entrant: servers behind a separate NGINX with the board's settings */
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
  /** default: a new, empty database */
  databaseUrl?: string
}

/** Starts an entrant in the same steps and with the same NGINX configuration as the board. */
export async function startContender(
  testbed: Testbed,
  { name, program, tables }: Entrant,
  { replicas = 3, databaseUrl }: StartOptions = {},
): Promise<Contender> {
  const resources = testbed.workspace.resources.use(new AsyncDisposableStack())
  const workspace = {
    ...testbed.workspace,
    dataDir: await openDataDir(join(testbed.workspace.dataDir.folder, name)),
    roster: openRoster(),
    resources,
    report: (service: string, text: string) => say(`${name} ${service}`, text),
  }
  const options = { replicas, replica: program, dataDir: workspace.dataDir.folder, drainSeconds: 0 }
  const url = databaseUrl ?? (await makeSchema(testbed.databaseUrl, `bench_${name}`, tables))
  const servers = await bringUpReplicas(options, workspace, url)
  const nginx = await bringUpNginx(options, workspace, await checkNginx({}), servers)
  return {
    name,
    url: nginx.url,
    databaseUrl: url,
    tables,
    servers: servers.map(({ name, address, srvId }) => ({
      pid: workspace.roster.pidOf(name),
      address,
      srvId,
    })),
    nginxPid: workspace.roster.pidOf('nginx'),
    stop: () => resources.disposeAsync(),
  }
}

/** A contender as an entry of the comparison. With `cookies`, visitors send the srv_ids of its servers. */
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
