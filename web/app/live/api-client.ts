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
import { historyRangeNames } from '../../shared/limits.ts'

/**
 * Checks data that comes in. By hand, since a schema library would weigh more than all the page's own code; the types
 * see to it that no field is forgotten.
 */
export type Guard<T> = (value: unknown) => value is T

export const isNumber: Guard<number> = (value): value is number => Number.isFinite(value)

export const isText: Guard<string> = (value): value is string => typeof value === 'string'

const isFlag: Guard<boolean> = (value): value is boolean => typeof value === 'boolean'

/** An ISO 8601 time that can be reckoned with. */
const isTime: Guard<string> = (value): value is string => isText(value) && !Number.isNaN(Date.parse(value))

function oneOf<T extends string>(...words: T[]): Guard<T> {
  return (value): value is T => words.some(word => word === value)
}

function orNull<T>(guard: Guard<T>): Guard<T | null> {
  return (value): value is T | null => value === null || guard(value)
}

/** A field that may be missing. */
function optional<T>(guard: Guard<T>): Guard<T | undefined> {
  return (value): value is T | undefined => value === undefined || guard(value)
}

function listOf<T>(guard: Guard<T>): Guard<T[]> {
  return (value): value is T[] => Array.isArray(value) && value.every(guard)
}

/** An object whose fields, whatever their names, are all of a kind. */
function recordOf<T>(guard: Guard<T>): Guard<Record<string, T>> {
  return (value): value is Record<string, T> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(guard)
}

/** An object with at least these fields. */
export function shapeOf<T extends object>(fields: { [Field in keyof T]-?: Guard<T[Field]> }): Guard<T> {
  const checks: [string, Guard<unknown>][] = Object.entries(fields)
  return (value): value is T => {
    if (typeof value !== 'object' || value === null) return false
    return checks.every(([field, guard]) => guard(Reflect.get(value, field)))
  }
}

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
  range: oneOf(...historyRangeNames),
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

export const isLiveTrouble = shapeOf<LiveTrouble>({ since: isTime })

/** What the text says, or null when it is not that. */
export function readAs<T>(guard: Guard<T>, json: string): T | null {
  try {
    const value: unknown = JSON.parse(json)
    return guard(value) ? value : null
  } catch {
    return null
  }
}

/** An answer that is not what was asked for; the message is for the reader. */
class AnswerRefused extends Error {}

/** @throws AnswerRefused, or what `fetch` throws when there is no answer within `timeoutMs` */
export async function fetchAnswer<T>(guard: Guard<T>, url: string, timeoutMs = 10_000): Promise<T> {
  const answer = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  const text = await answer.text()
  const value = answer.ok ? readAs(guard, text) : null
  if (value !== null) return value
  throw new AnswerRefused(
    readAs(isErrorAnswer, text)?.error.message ?? `No answer that can be read (${answer.status}).`,
  )
}

const snapshotTimeoutMs = 4000

/** The board as it is now. @throws when there is no answer within 4 s, or one that is not a snapshot */
export async function fetchSnapshot(): Promise<Snapshot> {
  const answer = await fetch('/api/snapshot', {
    cache: 'no-store',
    signal: AbortSignal.timeout(snapshotTimeoutMs),
  })
  const snapshot = answer.ok ? readAs(isSnapshot, await answer.text()) : null
  if (!snapshot) throw new Error(`no snapshot, status ${answer.status}`)
  return snapshot
}
