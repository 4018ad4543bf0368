import type { LiveOutage, LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { boardLogLength } from '../../shared/limits.ts'

/** All that changes on an open page. */
export type LiveBoard = {
  snapshot: Snapshot
  /** null = the replica reads the database */
  trouble: LiveOutage | null
  hues: Hues
  /** the older views that came in a row, and were not shown; null = the last view is shown */
  older: OlderViews | null
}

/** `at`: the time of the last one, ms. `rises`: how often in a row one was newer than the one before it. */
type OlderViews = { at: number; rises: number }

export function startBoard(snapshot: Snapshot): LiveBoard {
  return { snapshot, trouble: null, hues: giveHues({}, snapshot.servers), older: null }
}

/** A whole new view. One that is older than what is shown is passed over, unless the database's clock was set back. */
export function withSnapshot(board: LiveBoard, snapshot: Snapshot): LiveBoard {
  const older = olderViews(board, snapshot)
  if (older && older.rises < risesOfSetClock) return { ...board, trouble: null, older }
  return { snapshot, trouble: null, hues: giveHues(board.hues, snapshot.servers), older: null }
}

/** New figures, and only the log's new rows. */
export function withChange(board: LiveBoard, change: Snapshot): LiveBoard {
  const log = newestRows(change.log, board.snapshot.log)
  return withSnapshot(board, { ...change, log })
}

export function withOutage(board: LiveBoard, trouble: LiveOutage): LiveBoard {
  return { ...board, trouble }
}

function newestRows(fresh: LogRow[], known: LogRow[]): LogRow[] {
  const byId = new Map<number, LogRow>()
  for (const row of [...known, ...fresh]) byId.set(row.id, row)
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, boardLogLength)
}

/** Views of several replicas can rise once by chance. */
const risesOfSetClock = 2

/**
 * The older views in a row once this one is among them; null when it is not older, or counts more: then it is right, and the
 * database's clock was set.
 * Replicas look at the database at slightly different moments, and one that cannot repeats what it last saw. So an older view
 * is no news. But views that count the same and become newer are: with the clock set back, all views are older than the one shown.
 */
function olderViews({ snapshot: shown, older }: LiveBoard, snapshot: Snapshot): OlderViews | null {
  const at = Date.parse(snapshot.at)
  if (at >= Date.parse(shown.at) || snapshot.counter > shown.counter) return null
  if (!older || at < older.at || snapshot.counter < shown.counter) return { at, rises: 0 }
  return { at, rises: at > older.at ? older.rises + 1 : older.rises }
}

/** Each server's place in the set of colours, by srv_id: an address keeps its colour over its lives. */
export type Hues = Record<string, number>

/** Gives colours in the order of the rows, which is that of the names; who has one keeps it while the page is open. */
export function giveHues(known: Hues, servers: ServerRow[]): Hues {
  const strangers = servers.filter(({ srv_id }) => !(srv_id in known))
  if (strangers.length === 0) return known
  const hues = { ...known }
  for (const { srv_id } of strangers) {
    hues[srv_id] ??= Object.keys(hues).length
  }
  return hues
}
