import { countIn } from '../harness/count.ts'
import type { Entry } from '../harness/entry.ts'
import type { Contender } from './contender.ts'

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
