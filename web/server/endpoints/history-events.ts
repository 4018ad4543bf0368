import type { HistoryEvent } from '../../shared/api.ts'
import { silence } from '../db/liveness.ts'
import type { Life } from '../db/read-lives.ts'

/** How many are told at most. */
export const mostEvents = 200

/** When these lives came and went, newest first: what happened since then. */
export function historyEvents(lives: Life[], since: Date): HistoryEvent[] {
  return lives
    .flatMap(eventsOf)
    .filter(({ at }) => Date.parse(at) >= since.getTime())
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, mostEvents)
}

function eventsOf({
  id,
  srv_id,
  name,
  started_at,
  last_seen_at,
  stopped_at,
  silent_ms,
}: Life): HistoryEvent[] {
  const event = (kind: HistoryEvent['kind'], at: string) => ({ kind, id, srv_id, name, at })
  const joined = event('joined', started_at)
  // It was lost even if another life has followed at its address since.
  if (silent_ms > silence.lost * 1000) return [joined, event('lost', last_seen_at)]
  return stopped_at === null ? [joined] : [joined, event('left', stopped_at)]
}
