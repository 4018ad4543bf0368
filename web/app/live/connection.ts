import { liveSilenceMs } from '../../shared/limits.ts'
import type { NoPlace } from './stream.ts'

/**
 * How the page stays connected, as a pure machine: events in, actions out, times in ms of a steady clock, which goes on when
 * the browser's clock is set.
 * A stream is kept open while the tab can be seen; while there is none that works, the board is polled.
 */

const pollEveryMs = 2_000
const firstRetryMs = 1_000
const longestRetryMs = 15_000
/** Until a stream is asked for again when the browser's other tabs hold all there may be. */
const nextTurnMs = 10_000

export type Connection = {
  /** the tab can be seen */
  awake: boolean
  stream: 'none' | 'opening' | 'open'
  /** the stream's last sign, or when it began to open */
  streamSignAt: number
  nextStreamAt: number
  /** streams that failed since the last one that worked */
  failures: number
  polling: boolean
  polledAt: number
  /** when the figures shown were last known to be fresh */
  heardAt: number
  /** what brought them */
  heardBy: 'page' | 'stream' | 'poll'
  /** since when it listens without a break */
  listensSince: number
  /** why this tab may hold no stream; null = it may, as far as is known */
  noPlace: NoPlace | null
}

export type ConnectionEvent =
  | { type: 'woke' | 'slept' | 'network back' }
  | { type: 'stream heard' }
  | { type: 'stream refused'; why: NoPlace }
  /** `jitter` 0 to 1, so that dashboards do not come back all at once */
  | { type: 'stream failed'; jitter: number }
  | { type: 'poll answered' | 'poll failed' }

export type ConnectionAction = 'open stream' | 'close stream' | 'poll'

export type ConnectionStatus =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `noPlace`: why this tab may hold no stream; null = one did not work */
  | { kind: 'polling'; noPlace: NoPlace | null }
  /** `since`: when it last heard anything */
  | { kind: 'lost'; since: number }

/** A page that has just been loaded: its figures are fresh, and nothing runs yet. */
export function startConnection(now: number): Connection {
  return {
    awake: false,
    stream: 'none',
    streamSignAt: now,
    nextStreamAt: now,
    failures: 0,
    polling: false,
    polledAt: now,
    heardAt: now,
    heardBy: 'page',
    listensSince: now,
    noPlace: null,
  }
}

export function after(connection: Connection, event: ConnectionEvent, now: number): Connection {
  switch (event.type) {
    case 'woke':
      return {
        ...connection,
        awake: true,
        failures: 0,
        nextStreamAt: now,
        polledAt: now,
        heardBy: 'page',
        listensSince: now,
      }
    case 'slept':
      return { ...connection, awake: false, stream: 'none', polling: false }
    case 'network back':
      return { ...connection, nextStreamAt: now }
    case 'stream heard':
      return {
        ...connection,
        stream: 'open',
        streamSignAt: now,
        heardAt: now,
        heardBy: 'stream',
        failures: 0,
        noPlace: null,
      }
    case 'stream refused':
      return { ...connection, stream: 'none', nextStreamAt: now + nextTurnMs, noPlace: event.why }
    case 'stream failed':
      return {
        ...connection,
        stream: 'none',
        failures: connection.failures + 1,
        noPlace: null,
        nextStreamAt: now + retryAfter(connection.failures, event.jitter),
      }
    case 'poll answered':
      return {
        ...connection,
        polling: false,
        heardAt: now,
        heardBy: 'poll',
        // Back after a loss: a stream may well work again too.
        nextStreamAt: isSilent(connection, now) ? now : connection.nextStreamAt,
      }
    case 'poll failed':
      return { ...connection, polling: false }
  }
}

/** What is to be done now, and the connection once it is begun. To be asked after every event and every half second. */
export function due(connection: Connection, now: number): [Connection, ConnectionAction[]] {
  const actions: ConnectionAction[] = []
  let next = connection
  if (!next.awake) return [next, actions]
  if (next.stream === 'none' && now >= next.nextStreamAt) {
    actions.push('open stream')
    next = { ...next, stream: 'opening', streamSignAt: now }
  } else if (next.stream !== 'none' && now - next.streamSignAt >= liveSilenceMs) {
    actions.push('close stream')
  }
  const pollDue = now - next.polledAt >= pollEveryMs && now - next.heardAt >= pollEveryMs
  if (next.stream !== 'open' && !next.polling && pollDue) {
    actions.push('poll')
    next = { ...next, polling: true, polledAt: now }
  }
  return [next, actions]
}

export function statusOf(connection: Connection, now: number): ConnectionStatus {
  if (isSilent(connection, now)) return { kind: 'lost', since: connection.heardAt }
  if (connection.stream === 'open') return { kind: 'live' }
  if (connection.heardBy === 'poll') return { kind: 'polling', noPlace: connection.noPlace }
  return { kind: 'connecting' }
}

function isSilent({ heardAt, listensSince }: Connection, now: number): boolean {
  return now - Math.max(heardAt, listensSince) >= liveSilenceMs
}

function retryAfter(failures: number, jitter: number): number {
  const wait = Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
  return wait * (0.75 + jitter / 2)
}
