import type { LiveTrouble, LogRow, Snapshot } from '../../answers.ts'
import { giveHues, type Hues } from '../servers/hues.ts'

/** All that changes on an open page. */
export type LiveBoard = {
  snapshot: Snapshot
  /** null = the replica reads the database */
  trouble: LiveTrouble | null
  hues: Hues
}

const logLength = 50

/** Replicas look at the database at slightly different moments: within this, the older view is behind, not right. */
const behindMs = 5_000

export function startBoard(snapshot: Snapshot): LiveBoard {
  return { snapshot, trouble: null, hues: giveHues({}, snapshot.servers) }
}

/** A whole new view. One a little older than what is shown (another replica's) is passed over. */
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

function isBehind(snapshot: Snapshot, shown: Snapshot): boolean {
  const behind = Date.parse(shown.at) - Date.parse(snapshot.at)
  return behind > 0 && behind < behindMs
}
