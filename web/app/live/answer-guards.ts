import type {
  Audit,
  ErrorAnswer,
  History,
  LiveTrouble,
  LogPage,
  LogRow,
  ServerReference,
  ServerRow,
  Snapshot,
  VisitAnswer,
} from '../../shared/api.ts'
import {
  type Guard,
  isFlag,
  isNumber,
  isText,
  isTime,
  listOf,
  oneOf,
  optional,
  orNull,
  recordOf,
  shapeOf,
} from './guards.ts'

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
  error_codes: recordOf(isNumber),
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
  maybe_from: optional(isServerReference),
})

export const isSnapshot = shapeOf<Snapshot>({
  counter: isNumber,
  at: isTime,
  servers: listOf(isServerRow),
  earlier_hits: isNumber,
  log: listOf(isLogRow),
})

export const isLogPage = shapeOf<LogPage>({ rows: listOf(isLogRow), next: orNull(isNumber) })

export const isHistory = shapeOf<History>({
  range: oneOf('5m', '1h', '24h'),
  step: isNumber,
  times: listOf(isTime),
  servers: listOf(
    shapeOf<History['servers'][number]>({
      id: isNumber,
      srv_id: isText,
      name: isText,
      hits: listOf(isNumber),
    }),
  ),
  events: listOf(
    shapeOf<History['events'][number]>({
      kind: oneOf('joined', 'lost', 'left'),
      id: isNumber,
      srv_id: isText,
      name: isText,
      at: isTime,
    }),
  ),
  downs: listOf(
    shapeOf<History['downs'][number]>({ srv_id: isText, name: isText, times: isNumber, ms: isNumber }),
  ),
})

export const isAudit = shapeOf<Audit>({
  counter: isNumber,
  max_id: isNumber,
  rows: isNumber,
  purged: isNumber,
  sum_hits: isNumber,
  consistent: isFlag,
})

export const isVisitAnswer = shapeOf<VisitAnswer>({
  hit: isNumber,
  srv_id: isText,
  server: isText,
  client_ip: isText,
  arrival: oneOf('new', 'returning', 'moved'),
  moved_from: orNull(isServerReference),
  maybe_from: optional(isServerReference),
  at: isTime,
})

export const isErrorAnswer = shapeOf<ErrorAnswer>({
  error: shapeOf<ErrorAnswer['error']>({ code: isText, message: isText }),
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
