import { isTabVisible, onTabVisibleChange } from '../ui/page-lifecycle.ts'
import { fetchSnapshot } from './api-client.ts'
import {
  after,
  type ConnectionAction,
  type ConnectionEvent,
  type ConnectionStatus,
  due,
  startConnection,
  statusOf,
} from './connection.ts'
import { type LiveBoard, withChange, withOutage, withSnapshot } from './live-board.ts'
import { openStream } from './stream.ts'

export type LiveView = { board: LiveBoard; status: ConnectionStatus }

const tickMs = 500
/** ms by which the two clocks drift apart when the machine slept, or its clock was set */
const sleptMs = 3000

/** The browser's clock less its steady one, which stands still in some browsers while the machine sleeps; in ms. */
const clockLag = () => Date.now() - performance.now()

/** Keeps the board fresh by the rules of connection.ts, and reports whatever changes until the returned function is called. */
export function watchBoard(streamUrl: string, first: LiveView, report: (view: LiveView) => void): () => void {
  let reported = first
  let { board } = first
  let connection = startConnection(performance.now())
  let lag = clockLag()
  const pace = new UpdateThrottle(proceed)
  let closeStream = () => {}
  // A poll's answer that comes after the tab was hidden, or after the end, is nobody's.
  let turn = 0

  function tell(event: ConnectionEvent): void {
    connection = after(connection, event, performance.now())
    proceed()
  }

  function proceed(): void {
    const [next, actions] = due(connection, performance.now())
    connection = next
    for (const action of actions) act[action]()
    const status = statusOf(connection, performance.now())
    if ((board === reported.board || pace.holds) && isSame(status, reported.status)) return
    pace.shown()
    reported = { board, status }
    report(reported)
  }

  function heard(next: LiveBoard): void {
    board = next
    pace.news()
    tell({ type: 'stream heard' })
  }

  const streamFailed = () => tell({ type: 'stream failed', jitter: Math.random() })

  const act: Record<ConnectionAction, () => void> = {
    'open stream': () => {
      closeStream = openStream(streamUrl, {
        snapshot: snapshot => heard(withSnapshot(board, snapshot)),
        change: change => heard(withChange(board, change)),
        trouble: trouble => heard(withOutage(board, trouble)),
        failed: streamFailed,
        refused: why => tell({ type: 'stream refused', why }),
      })
    },
    'close stream': () => {
      closeStream()
      streamFailed()
    },
    poll: async () => {
      const asked = turn
      const snapshot = await fetchSnapshot().catch(() => null)
      if (asked !== turn) return
      if (snapshot) board = withSnapshot(board, snapshot)
      tell({ type: snapshot ? 'poll answered' : 'poll failed' })
    },
  }

  function rest(): void {
    turn++
    pace.letGo()
    closeStream()
    clearInterval(timer)
    timer = undefined
  }

  function followTab(): void {
    if (isTabVisible() === connection.awake) return
    if (connection.awake) fallAsleep()
    else wake()
  }

  function fallAsleep(): void {
    rest()
    tell({ type: 'slept' })
  }

  function wake(): void {
    lag = clockLag()
    timer = setInterval(tick, tickMs)
    tell({ type: 'woke' })
  }

  /** A machine that slept comes back with a stream that may be dead and figures that are old: begin again. */
  function tick(): void {
    if (Math.abs(clockLag() - lag) < sleptMs) proceed()
    else beginAgain()
  }

  function beginAgain(): void {
    fallAsleep()
    wake()
  }

  let timer: ReturnType<typeof setInterval> | undefined
  const networkBack = () => tell({ type: 'network back' })
  // Put aside by Back or Forward, its stream was closed without a word.
  const cameBack = ({ persisted }: PageTransitionEvent) => {
    if (persisted && connection.awake) beginAgain()
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
    rest()
  }
}

function isSame(a: ConnectionStatus, b: ConnectionStatus): boolean {
  if (a.kind === 'lost' && b.kind === 'lost') return a.since === b.since
  if (a.kind === 'polling' && b.kind === 'polling') return a.noPlace === b.noPlace
  return a.kind === b.kind
}

/** ms that what is shown stands at least, when there is news in a row: a little under two of the server's ticks */
const standsMs = 400
/** ms after which news that no other followed is shown */
const heldMs = 600

/**
 * When news is shown. The server tells of it four times a second, and each showing costs the page the same however little
 * is new: so the first is shown at once, and of news in a row every second one.
 */
export class UpdateThrottle {
  readonly #show: () => void
  readonly #now: () => number
  #shownAt = Number.NEGATIVE_INFINITY
  #held: ReturnType<typeof setTimeout> | undefined

  /** `show` is called when it is time for what was held; `now` is a steady clock, in ms */
  constructor(show: () => void, now = () => performance.now()) {
    this.#show = show
    this.#now = now
  }

  /** Whether what is new has to wait. */
  get holds(): boolean {
    return this.#held !== undefined
  }

  news(): void {
    const stoodMs = this.#now() - this.#shownAt
    if (stoodMs >= standsMs) this.letGo()
    else this.#held ??= setTimeout(() => this.#release(), heldMs - stoodMs)
  }

  shown(): void {
    this.letGo()
    this.#shownAt = this.#now()
  }

  letGo(): void {
    clearTimeout(this.#held)
    this.#held = undefined
  }

  #release(): void {
    this.letGo()
    this.#show()
  }
}
