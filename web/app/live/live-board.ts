import type { LiveTrouble, LogRow, ServerRow, Snapshot } from '../../shared/api.ts'

/** All that changes on an open page. */
export type LiveBoard = {
  snapshot: Snapshot
  /** null = the replica reads the database */
  trouble: LiveTrouble | null
  hues: Hues
}

const logLength = 50

export function startBoard(snapshot: Snapshot): LiveBoard {
  return { snapshot, trouble: null, hues: giveHues({}, snapshot.servers) }
}

/** A whole new view. One that is behind what is shown is passed over. */
export function withSnapshot(board: LiveBoard, snapshot: Snapshot): LiveBoard {
  if (isBehind(snapshot, board.snapshot)) return { ...board, trouble: null }
  return { snapshot, trouble: null, hues: giveHues(board.hues, snapshot.servers) }
}

/** New figures, and only the log's new rows. */
export function withChange(board: LiveBoard, change: Snapshot): LiveBoard {
  const log = newestRows(change.log, board.snapshot.log)
  return withSnapshot(board, { ...change, log })
}

export function withTrouble(board: LiveBoard, trouble: LiveTrouble): LiveBoard {
  return { ...board, trouble }
}

function newestRows(fresh: LogRow[], known: LogRow[]): LogRow[] {
  const byId = new Map<number, LogRow>()
  for (const row of [...known, ...fresh]) byId.set(row.id, row)
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, logLength)
}

/**
 * Replicas look at the database at slightly different moments, and one that cannot tells what it last saw: an older view
 * that counts no more than this one is behind. One that counts more is right: then the database's clock was set.
 */
function isBehind(snapshot: Snapshot, shown: Snapshot): boolean {
  return Date.parse(snapshot.at) < Date.parse(shown.at) && snapshot.counter <= shown.counter
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
