import { arrivals, type LogRow, type ServerReference, type Snapshot } from './api.ts'
import type { PageView } from './page-view.ts'

// The snapshot as the page's HTML has it for React: the log's rows are most of a snapshot, and as JSON each repeats its keys, its
// server and most of its time. The API and the live connection send snapshots as JSON.

export type PackedLog = {
  /**
   * The rows, joined by ";". Each has numbers, joined by ",": how far its number and its time (ms) are below those of the row
   * before, or from 0 in the first; indexes of its address, its server and its arrival; if it has them, of `moved_from` and
   * `maybe_from`.
   */
  rows: string
  /** joined by " " */
  addresses: string
  servers: ServerReference[]
}

export type PackedSnapshot = Omit<Snapshot, 'log'> & { log: PackedLog }

/** What one rendering shows, as it is sent to the browser. */
export type PackedView = Omit<PageView, 'snapshot'> & { snapshot: PackedSnapshot }

export function packView({ snapshot, ...view }: PageView): PackedView {
  return { ...view, snapshot: { ...snapshot, log: packLog(snapshot.log) } }
}

export function unpackView({ snapshot, ...view }: PackedView): PageView {
  return { ...view, snapshot: { ...snapshot, log: unpackLog(snapshot.log) } }
}

/** Each value once, with its index. */
class Indexes<Value> {
  readonly #indexes = new Map<string, number>()
  readonly values: Value[] = []

  of(value: Value): number {
    const key = JSON.stringify(value)
    const known = this.#indexes.get(key)
    if (known !== undefined) return known
    this.#indexes.set(key, this.values.length)
    return this.values.push(value) - 1
  }
}

function packLog(log: LogRow[]): PackedLog {
  const addresses = new Indexes<string>()
  const servers = new Indexes<ServerReference>()
  let before = { id: 0, ms: 0 }
  const rows = log.map(row => {
    const { id, client_ip, srv_id, server: name, arrival, moved_from, maybe_from } = row
    const ms = Date.parse(row.at)
    const packed = [
      before.id - id,
      before.ms - ms,
      addresses.of(client_ip),
      servers.of({ srv_id, name }),
      arrivals.indexOf(arrival),
    ]
    before = { id, ms }
    if (maybe_from) return [...packed, moved_from ? servers.of(moved_from) : '', servers.of(maybe_from)]
    return moved_from ? [...packed, servers.of(moved_from)] : packed
  })
  return { rows: rows.join(';'), addresses: addresses.values.join(' '), servers: servers.values }
}

function unpackLog({ rows, addresses, servers }: PackedLog): LogRow[] {
  const addressOf = addresses.split(' ')
  const serverOf = (index: string) => servers[Number(index)] ?? { srv_id: '', name: null }
  let id = 0
  let ms = 0
  return rows.split(';', rows === '' ? 0 : undefined).map(row => {
    const [below = 0, earlier = 0, address = 0, server = '', arrival = 0, from, maybe] = row.split(',')
    id -= Number(below)
    ms -= Number(earlier)
    const { srv_id, name } = serverOf(server)
    return {
      id,
      at: new Date(ms).toISOString(),
      client_ip: addressOf[Number(address)] ?? '',
      srv_id,
      server: name ?? '',
      arrival: arrivals[Number(arrival)] ?? 'new',
      moved_from: from ? serverOf(from) : null,
      ...(maybe && { maybe_from: serverOf(maybe) }),
    }
  })
}
