import type { HistoryDown } from '../../shared/api.ts'
import { silence } from '../db/liveness.ts'
import type { Life } from '../db/read-lives.ts'

/** ms between the end that a life is given by the next one at its address, and that one's start; a start takes longer. */
const atOnce = 1000

/**
 * How often these lives ended unasked, and for how long no server was at their address: from the last sign to the next
 * life's start, or until now. Of a time that began before `since`, what came after it counts. A server that left in good order
 * was not down, whether another came to its address later or not. The longest first.
 */
export function historyDowns(lives: Life[], now: Date, since = new Date(0)): HistoryDown[] {
  const addresses = Map.groupBy(lives, ({ srv_id }) => srv_id)
  return [...addresses.values()].flatMap(lives => downOf(lives, since, now)).sort((a, b) => b.ms - a.ms)
}

function downOf(lives: Life[], since: Date, now: Date): HistoryDown[] {
  const inTurn = lives.toSorted((a, b) => a.id - b.id)
  const last = inTurn.at(-1)
  const gaps = inTurn.flatMap((life, place) => gapAfter(life, inTurn[place + 1], since, now))
  if (!last || gaps.length === 0) return []
  const { srv_id, name } = last
  return [{ srv_id, name, times: gaps.length, ms: gaps.reduce((sum, ms) => sum + ms, 0) }]
}

/** In ms; none where it was not down, or was back before `since`. */
function gapAfter(life: Life, next: Life | undefined, since: Date, now: Date): number[] {
  const { last_seen_at, stopped_at, silent_ms } = life
  const nextStart = next ? Date.parse(next.started_at) : now.getTime()
  const replaced = next !== undefined && stopped_at !== null && nextStart - Date.parse(stopped_at) < atOnce
  const unasked = silent_ms > silence.lost * 1000 || replaced
  if (!unasked || nextStart <= since.getTime()) return []
  return [nextStart - Math.max(Date.parse(last_seen_at), since.getTime())]
}
