import type { LiveTrouble, LogRow, ServerReference, ServerRow, Snapshot } from '../../answers.ts'
import { type Guard, isNumber, isText, isTime, listOf, oneOf, orNull, shapeOf } from './guards.ts'

const isServerReference = shapeOf<ServerReference>({ srv_id: isText, name: orNull(isText) })

const isServerRow = shapeOf<ServerRow>({
  id: isNumber,
  srv_id: isText,
  name: isText,
  address: isText,
  state: oneOf('joining', 'up', 'draining', 'lost', 'stopped'),
  hits: isNumber,
  share: isNumber,
  rate: isNumber,
  started_at: isTime,
  last_seen_at: isTime,
  p50_ms: orNull(isNumber),
  p99_ms: orNull(isNumber),
  errors: isNumber,
  streams: isNumber,
  memory_bytes: isNumber,
})

const isLogRow = shapeOf<LogRow>({
  id: isNumber,
  at: isTime,
  client_ip: isText,
  srv_id: isText,
  server: isText,
  arrival: oneOf('new', 'returning', 'moved'),
  moved_from: orNull(isServerReference),
})

export const isSnapshot = shapeOf<Snapshot>({
  counter: isNumber,
  at: isTime,
  servers: listOf(isServerRow),
  earlier_hits: isNumber,
  log: listOf(isLogRow),
})

export const isTrouble = shapeOf<LiveTrouble>({ since: isTime })

/** What the text says, or null when it is not that. */
export function readAs<T>(guard: Guard<T>, json: string): T | null {
  try {
    const value: unknown = JSON.parse(json)
    return guard(value) ? value : null
  } catch {
    return null
  }
}
