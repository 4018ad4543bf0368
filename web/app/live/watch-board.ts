// Keeps an open page current: board/board.tsx subscribes here. connection.ts decides when to open the stream (stream.ts,
// which shares few streams among many tabs) and when to poll (answers.ts). live-board.ts turns what arrives into the
// board to show.

import { isTabVisible, onTabVisibleChange } from '../ui/page-lifecycle.ts'
import { fetchSnapshot } from './answers.ts'
import {
  type ConnectionAction,
  type ConnectionEvent,
  type ConnectionStatus,
  due,
  reduce,
  startConnection,
  statusOf,
} from './connection.ts'
import {
  type LiveBoard,
  withChange,
  withOutage,
  withoutAnswer,
  withoutWatch,
  withSnapshot,
} from './live-board.ts'
import { openStream } from './stream.ts'

export type LiveView = { board: LiveBoard; status: ConnectionStatus }

/** Whether the figures shown are of now. `hadProblem`: this page view was not counted, so its figures may be from earlier. */
export function isCurrent({ board, status }: LiveView, hadProblem: boolean): boolean {
  if (status.kind === 'connecting' && (hadProblem || status.old)) return false
  return status.kind !== 'lost' && board.outage === null
}

const tickMs = 500
/** A tick that comes this long after the one before, in ms, shows that the page itself was busy. */
const stalledMs = 1500
/** The machine slept, or its clock was set, if the two clocks drift apart by this many ms. */
const maxDriftMs = 3000

/** The browser's clock minus its steady clock, in ms. In some browsers the steady clock stops while the machine sleeps. */
const clockLag = () => Date.now() - performance.now()

/** Reports every change of the board until the returned function is called. */
export function watchBoard(streamUrl: string, first: LiveView, report: (view: LiveView) => void): () => void {
  let reported = first
  let { board } = first
  let connection = startConnection(performance.now())
  let lag = clockLag()
  let tickedAt = performance.now()
  const throttle = new UpdateThrottle(proceed)
  let closeStream = () => {}
  // Grows with every stop: an answer to a poll from before a stop is dropped.
  let run = 0

  function dispatch(event: ConnectionEvent): void {
    connection = reduce(connection, event, performance.now())
    proceed()
  }

  function proceed(): void {
    const [next, actions] = due(connection, performance.now())
    connection = next
    for (const action of actions) act[action]()
    const status = statusOf(connection, performance.now())
    if (status.kind === 'lost' && reported.status.kind !== 'lost') board = withoutAnswer(board)
    if ((board === reported.board || throttle.pending) && isSame(status, reported.status)) return
    throttle.shown()
    reported = { board, status }
    report(reported)
  }

  function receive(next: LiveBoard): void {
    board = next
    throttle.news()
    dispatch({ type: 'stream heard' })
  }

  const streamFailed = () => dispatch({ type: 'stream failed', jitter: Math.random() })

  const act: Record<ConnectionAction, () => void> = {
    'open stream': () => {
      closeStream = openStream(streamUrl, {
        snapshot: snapshot => receive(withSnapshot(board, snapshot)),
        change: change => receive(withChange(board, change)),
        outage: outage => receive(withOutage(board, outage)),
        failed: streamFailed,
        refused: why => dispatch({ type: 'stream refused', why }),
        locksAnswered: () => dispatch({ type: 'locks answered' }),
      })
    },
    'close stream': () => {
      closeStream()
      streamFailed()
    },
    poll: async () => {
      const pollRun = run
      const answer = await fetchSnapshot().catch(() => null)
      if (pollRun !== run) return
      // As the stream says it: since the last figures that this page has.
      if (answer === 'database away') board = withOutage(board, board.outage ?? { since: board.snapshot.at })
      else if (answer) board = withSnapshot(board, answer)
      dispatch({ type: answer ? 'poll answered' : 'poll failed' })
    },
  }

  function stop(): void {
    run++
    throttle.cancel()
    closeStream()
    clearInterval(timer)
    timer = undefined
  }

  function followTab(): void {
    if (isTabVisible() === connection.visible) return
    if (connection.visible) pause()
    else resume()
  }

  function pause(): void {
    stop()
    board = withoutWatch(board)
    dispatch({ type: 'paused' })
  }

  function resume(): void {
    const sleptMs = Math.max(0, clockLag() - lag)
    lag = clockLag()
    tickedAt = performance.now()
    timer = setInterval(tick, tickMs)
    dispatch({ type: 'resumed', sleptMs })
  }

  /** After the machine slept, the stream may be dead and the figures old: start over. */
  function tick(): void {
    const isStalled = performance.now() - tickedAt >= stalledMs
    tickedAt = performance.now()
    if (Math.abs(clockLag() - lag) >= maxDriftMs) startOver()
    else if (isStalled) dispatch({ type: 'stalled' })
    else proceed()
  }

  function startOver(): void {
    pause()
    resume()
  }

  let timer: ReturnType<typeof setInterval> | undefined
  const networkBack = () => dispatch({ type: 'network back' })
  // A page in the back/forward cache loses its stream without an event.
  const cameBack = ({ persisted }: PageTransitionEvent) => {
    if (persisted && connection.visible) startOver()
    else followTab()
  }
  const unfollowTab = onTabVisibleChange(followTab)
  addEventListener('pageshow', cameBack)
  addEventListener('online', networkBack)
  followTab()

  return () => {
    unfollowTab()
    removeEventListener('pageshow', cameBack)
    removeEventListener('online', networkBack)
    stop()
  }
}

function isSame(a: ConnectionStatus, b: ConnectionStatus): boolean {
  if (a.kind === 'lost' && b.kind === 'lost') return a.since === b.since
  if (a.kind === 'connecting' && b.kind === 'connecting') return a.old === b.old
  if (a.kind === 'polling' && b.kind === 'polling') return a.noPlace === b.noPlace
  return a.kind === b.kind
}

/** The least time between two updates while news keeps coming, in ms: slightly less than two ticks of the server. */
const minIntervalMs = 400
/** News that no other news follows is shown after this time, in ms. */
const maxWaitMs = 600

/**
 * Decides when news is shown. The server sends news four times a second, and a render costs the same however little changed.
 * So the first news is shown immediately, and then every second one.
 */
export class UpdateThrottle {
  readonly #show: () => void
  readonly #now: () => number
  #shownAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `show` is called when waiting news is due; `now` is a steady clock, in ms */
  constructor(show: () => void, now = () => performance.now()) {
    this.#show = show
    this.#now = now
  }

  /** Whether news is waiting. */
  get pending(): boolean {
    return this.#timer !== undefined
  }

  news(): void {
    const elapsedMs = this.#now() - this.#shownAt
    if (elapsedMs >= minIntervalMs) this.cancel()
    else this.#timer ??= setTimeout(() => this.#flush(), maxWaitMs - elapsedMs)
  }

  shown(): void {
    this.cancel()
    this.#shownAt = this.#now()
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #flush(): void {
    this.cancel()
    this.#show()
  }
}
