import { liveSilenceMs } from '../../shared/limits.ts'
import type { NoPlace } from './stream.ts'

/**
 * How the page stays connected, as a pure state machine: events in, actions out. All times are in ms of a steady clock, which
 * setting the browser's clock does not change.
 * While the tab is visible, one stream stays open; while no stream works, the page polls.
 */

const pollEveryMs = 2_000
/**
 * A stream that is open sends something every two seconds (liveKeepAliveMs). If it does not, its server may hang: the page polls
 * beside it, which another server can answer, long before it takes the stream for broken.
 */
const bridgeAfterMs = 2_200
const bridgeEveryMs = 500
/** If a poll is not answered either, the figures are no longer current. */
const quietStreamMs = 3_500
const firstRetryMs = 1_000
const longestRetryMs = 15_000
/** After a quick change of tabs, figures that are no older than this would only flash: they stay for a moment. */
const quickChangeMs = 60_000
const momentMs = 1_000
/** After a refusal, because other tabs hold all streams, the page tries again after this time. */
const nextTurnMs = 10_000

export type Connection = {
  /** the tab is visible */
  visible: boolean
  stream: 'none' | 'opening' | 'open'
  /** when the stream sent something last, or started to open */
  streamHeardAt: number
  nextStreamAt: number
  /** failed streams since the last stream that worked */
  failures: number
  polling: boolean
  polledAt: number
  /** when the figures shown were last current */
  heardAt: number
  /** for how many ms the machine has slept since `heardAt`, or its clock was set forward: a page cannot distinguish the two */
  sleptMs: number
  /** where they came from */
  heardBy: 'page' | 'stream' | 'poll'
  /** since when it has listened without a pause */
  listensSince: number
  /** it has been silent for too long, and has heard nothing since, not even after a pause */
  lost: boolean
  /** why this tab was refused a stream; null = it was not */
  noPlace: NoPlace | null
}

export type ConnectionEvent =
  /** `sleptMs`: how far the machine's clock has moved ahead of the steady clock meanwhile */
  | { type: 'resumed'; sleptMs: number }
  /** `stalled`: the page itself was busy, so what came meanwhile still waits to be read */
  | { type: 'paused' | 'stalled' | 'network back' | 'locks answered' }
  | { type: 'stream heard' }
  | { type: 'stream refused'; why: NoPlace }
  /** `jitter`: 0 to 1, so that dashboards do not all reconnect at the same moment */
  | { type: 'stream failed'; jitter: number }
  | { type: 'poll answered' | 'poll failed' }

export type ConnectionAction = 'open stream' | 'close stream' | 'poll'

export type ConnectionStatus =
  /** `old`: the figures shown are from before a pause, and no longer current */
  | { kind: 'connecting'; old: boolean }
  | { kind: 'live' }
  /** `noPlace`: why this tab was refused a stream; null = a stream failed */
  | { kind: 'polling'; noPlace: NoPlace | null }
  /** `since`: when it last heard from a server */
  | { kind: 'lost'; since: number }

/** For a page that has just loaded: its figures are current, and nothing runs yet. */
export function startConnection(now: number): Connection {
  return {
    visible: false,
    stream: 'none',
    streamHeardAt: now,
    nextStreamAt: now,
    failures: 0,
    polling: false,
    polledAt: now,
    ...heardNow(now),
    heardBy: 'page',
    listensSince: now,
    noPlace: null,
  }
}

/** The figures are current. */
const heardNow = (now: number) => ({ heardAt: now, sleptMs: 0, lost: false })

export function reduce(connection: Connection, event: ConnectionEvent, now: number): Connection {
  switch (event.type) {
    case 'resumed':
      return {
        ...connection,
        visible: true,
        failures: 0,
        nextStreamAt: now,
        polledAt: now,
        sleptMs: connection.sleptMs + event.sleptMs,
        heardBy: 'page',
        listensSince: now,
      }
    case 'paused':
      return { ...connection, visible: false, stream: 'none', polling: false }
    case 'stalled':
      return { ...connection, listensSince: now, streamHeardAt: now }
    case 'network back':
    case 'locks answered':
      return { ...connection, nextStreamAt: now }
    case 'stream heard':
      return {
        ...connection,
        stream: 'open',
        streamHeardAt: now,
        ...heardNow(now),
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
        ...heardNow(now),
        heardBy: 'poll',
        // The connection is back after a loss, so a stream may work, too.
        nextStreamAt: isSilent(connection, now) ? now : connection.nextStreamAt,
      }
    case 'poll failed':
      return { ...connection, polling: false }
  }
}

/** The actions to start now, and the connection once they have started. Call it after every event and every half second. */
export function due(connection: Connection, now: number): [Connection, ConnectionAction[]] {
  const actions: ConnectionAction[] = []
  let next = connection
  if (!next.visible) return [next, actions]
  if (isSilent(next, now)) next = { ...next, lost: true }
  if (next.stream === 'none' && now >= next.nextStreamAt) {
    actions.push('open stream')
    next = { ...next, stream: 'opening', streamHeardAt: now }
  } else if (next.stream !== 'none' && now - next.streamHeardAt >= liveSilenceMs) {
    actions.push('close stream')
  }
  const isStreamHeard = next.stream === 'open' && now - next.streamHeardAt < bridgeAfterMs
  const everyMs = next.stream === 'open' ? bridgeEveryMs : pollEveryMs
  const pollDue = now - next.polledAt >= everyMs && now - next.heardAt >= everyMs
  if (!isStreamHeard && !next.polling && pollDue) {
    actions.push('poll')
    next = { ...next, polling: true, polledAt: now }
  }
  return [next, actions]
}

export function statusOf(connection: Connection, now: number): ConnectionStatus {
  if (isSilent(connection, now)) return { kind: 'lost', since: connection.heardAt }
  if (connection.stream === 'open') return { kind: 'live' }
  if (connection.heardBy === 'poll') return { kind: 'polling', noPlace: connection.noPlace }
  return { kind: 'connecting', old: isOld(connection, now) }
}

function isOld({ heardAt, sleptMs, listensSince }: Connection, now: number): boolean {
  const ageMs = now - heardAt + sleptMs
  return ageMs >= quickChangeMs || (ageMs >= liveSilenceMs && now - listensSince >= momentMs)
}

/** A page that is still connecting has more time: a busy browser needs it. A hidden one listens to nothing. */
function isSilent({ lost, visible, stream, heardAt, listensSince }: Connection, now: number): boolean {
  if (lost || !visible) return lost
  const limitMs = stream === 'open' ? quietStreamMs : liveSilenceMs
  return now - Math.max(heardAt, listensSince) >= limitMs
}

function retryAfter(failures: number, jitter: number): number {
  const wait = Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
  return wait * (0.75 + jitter / 2)
}
