import type { LiveTrouble, LogRow, Snapshot } from '../../shared/api.ts'
import { giveHues, type Hues } from './hues.ts'

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
