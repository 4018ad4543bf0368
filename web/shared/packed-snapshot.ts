import { arrivals, isServerRow, type LogRow, type ServerReference, type Snapshot } from './api.ts'
import type { PageView } from './page-view.ts'

// The snapshot as the page's HTML has it for React: the log's rows are most of a snapshot, and as JSON each repeats its keys, its
// server and most of its time. The API and the live connection send snapshots as JSON.

type PackedLog = {
  /**
   * The rows, joined by ";". Each has numbers, joined by ",": how far its number and its time (ms) are below those of the row
   * before, or from 0 in the first; indexes of its address, its server and its arrival; if it has them, of `moved_from` and
   * `maybe_from`.
   */
  rows: string
  /** joined by " " */
  addresses: string
  /** servers in the rows that are not among the snapshot's: their indexes follow those */
  others: ServerReference[]
}

type PackedSnapshot = Omit<Snapshot, 'servers' | 'log'> & {
  /** the keys, then for each server the values in their order */
  servers: [keys: string[], ...values: unknown[][]]
  log: PackedLog
}

/** What one rendering shows, as it is sent to the browser. */
export type PackedView = Omit<PageView, 'snapshot'> & { snapshot: PackedSnapshot }

export function packView({ snapshot, ...view }: PageView): PackedView {
  const keys = Object.keys(snapshot.servers[0] ?? {})
  const values = snapshot.servers.map(server => {
    const fields = new Map<string, unknown>(Object.entries(server))
    return keys.map(key => fields.get(key))
  })
  return { ...view, snapshot: { ...snapshot, servers: [keys, ...values], log: packLog(snapshot) } }
}

export function unpackView({ snapshot, ...view }: PackedView): PageView {
  const [keys, ...rows] = snapshot.servers
  const servers = rows
    .map((values): unknown => Object.fromEntries(keys.map((key, place) => [key, values[place]])))
    .filter(isServerRow)
  return { ...view, snapshot: { ...snapshot, servers, log: unpackLog(snapshot.log, servers) } }
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

function packLog({ servers: shown, log }: Snapshot): PackedLog {
  const addresses = new Indexes<string>()
  const servers = new Indexes<ServerReference>()
  for (const { srv_id, name } of shown) servers.of({ srv_id, name })
  const isShown = servers.values.length
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
  return {
    rows: rows.join(';'),
    addresses: addresses.values.join(' '),
    others: servers.values.slice(isShown),
  }
}

function unpackLog({ rows, addresses, others }: PackedLog, shown: ServerReference[]): LogRow[] {
  const addressOf = addresses.split(' ')
  const servers = new Indexes<ServerReference>()
  for (const { srv_id, name } of [...shown, ...others]) servers.of({ srv_id, name })
  const serverOf = (index: string) => servers.values[Number(index)] ?? { srv_id: '', name: null }
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
