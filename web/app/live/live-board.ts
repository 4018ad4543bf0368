import type { LiveOutage, LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { boardLogLength } from '../../shared/limits.ts'
import {
  type EventLog,
  startEvents,
  withEvents,
  withEventsOfOutage,
  withEventsOfSilence,
  withEventsUnwatched,
} from './board-events.ts'

/** Everything that changes on an open page. */
export type LiveBoard = {
  snapshot: Snapshot
  /** null = the replica reads the database */
  outage: LiveOutage | null
  hues: Hues
  events: EventLog
  /** snapshots in a row that were too old to show; null = the last one is shown */
  older: OlderSnapshots | null
}

/** `at`: the time of the last one, in ms. `rises`: how often one was newer than the one before it. */
type OlderSnapshots = { at: number; rises: number }

export function startBoard(snapshot: Snapshot): LiveBoard {
  const hues = giveHues({}, snapshot.servers)
  return { snapshot, outage: null, hues, events: startEvents(snapshot), older: null }
}

/** Shows a new snapshot. Skips it if it is older than the snapshot shown, unless the database's clock was set back. */
export function withSnapshot(board: LiveBoard, snapshot: Snapshot): LiveBoard {
  const older = olderSnapshots(board, snapshot)
  if (older && older.rises < risesOfSetClock) return { ...board, older }
  const outage = board.outage && isFromBefore(board.outage, snapshot) ? board.outage : null
  const events = outage ? board.events : withEvents(board.events, snapshot)
  return { snapshot, outage, hues: giveHues(board.hues, snapshot.servers), events, older: null }
}

/** Shows a new snapshot whose log has only the new rows. */
export function withChange(board: LiveBoard, change: Snapshot): LiveBoard {
  const log = newestRows(change.log, board.snapshot.log)
  return withSnapshot(board, { ...change, log })
}

/** ms. Replicas read the database at different moments, so their last snapshots before an outage differ by less. */
const lastReadingsMs = 1000

/** Whether a snapshot was read before the outage: a stream that starts during one begins with its replica's last snapshot. */
function isFromBefore({ since }: LiveOutage, { at }: Snapshot): boolean {
  return Math.abs(Date.parse(at) - Date.parse(since)) < lastReadingsMs
}

export function withOutage(board: LiveBoard, outage: LiveOutage): LiveBoard {
  return { ...board, outage, events: withEventsOfOutage(board.events, outage, board.snapshot) }
}

/** The board once this page does not listen. */
export function withoutWatch(board: LiveBoard): LiveBoard {
  return { ...board, events: withEventsUnwatched(board.events) }
}

/** The board once no server has answered this page for some seconds. */
export function withoutAnswer(board: LiveBoard): LiveBoard {
  return { ...board, events: withEventsOfSilence(board.events, board.snapshot) }
}

function newestRows(fresh: LogRow[], known: LogRow[]): LogRow[] {
  const byId = new Map<number, LogRow>()
  for (const row of [...known, ...fresh]) byId.set(row.id, row)
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, boardLogLength)
}

/** Snapshots of several replicas can rise once by chance. */
const risesOfSetClock = 2

/**
 * The run of older snapshots, with this one; null if it is not older, or counts more: then it is right, and the database's
 * clock was set.
 * Replicas read the database at slightly different moments, and a replica that cannot read it repeats its last snapshot. So
 * an older snapshot is usually not new. But older snapshots with the same count that become newer are: after the clock is set
 * back, all snapshots are older than the one shown.
 */
function olderSnapshots({ snapshot: shown, older }: LiveBoard, snapshot: Snapshot): OlderSnapshots | null {
  const at = Date.parse(snapshot.at)
  if (at >= Date.parse(shown.at) || snapshot.counter > shown.counter) return null
  if (!older || at < older.at || snapshot.counter < shown.counter) return { at, rises: 0 }
  return { at, rises: at > older.at ? older.rises + 1 : older.rises }
}

/** Each server's index in the list of colours, by srv_id: all instances of an address have the same colour. */
export type Hues = Record<string, number>

/** Gives new servers a colour, in the order of the rows (by name). A server keeps its colour while the page is open. */
export function giveHues(known: Hues, servers: ServerRow[]): Hues {
  const newcomers = servers.filter(({ srv_id }) => !(srv_id in known))
  if (newcomers.length === 0) return known
  const hues = { ...known }
  for (const { srv_id } of newcomers) {
    hues[srv_id] ??= Object.keys(hues).length
  }
  return hues
}
