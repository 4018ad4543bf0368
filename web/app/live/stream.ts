import { isLiveOutage, isSnapshot, type LiveOutage, type Snapshot } from '../../shared/api.ts'
import { type Guard, isNumber, isText, readAs, shapeOf } from '../../shared/guards.ts'

type StreamListener = {
  snapshot(snapshot: Snapshot): void
  change(change: Snapshot): void
  outage(outage: LiveOutage): void
  /** the stream ended */
  failed(): void
  /** this tab gets no stream now */
  refused(why: NoPlace): void
  /** the browser's locks answered, but after the refusal: the next try can succeed */
  locksAnswered(): void
}

/** Opens the live feed. The returned function closes it; after that, the listener is not called. */
export function openStream(url: string, listener: StreamListener): () => void {
  let source: EventSource | undefined
  let releasePlace: (() => void) | undefined
  let closed = false

  function close(): void {
    closed = true
    source?.close()
    releasePlace?.()
  }

  function fail(): void {
    if (closed) return
    close()
    listener.failed()
  }

  function open(): void {
    source = new EventSource(url)
    const listen = <T>(event: string, guard: Guard<T>, receive: (data: T) => void) =>
      source?.addEventListener(event, ({ data }) => {
        const read = readAs(guard, String(data))
        if (read === null) fail()
        else receive(read)
      })
    listen('snapshot', isSnapshot, listener.snapshot)
    listen('change', isSnapshot, listener.change)
    listen('trouble', isLiveOutage, listener.outage)
    // EventSource would reconnect by itself, but not after every error: connection.ts does it instead.
    source.addEventListener('error', fail)
  }

  takeStreamPlace(fail, listener.locksAnswered)
    .then(place => {
      if (typeof place === 'string') {
        if (!closed) listener.refused(place)
      } else if (closed) {
        place()
      } else {
        releasePlace = place
        open()
      }
    })
    .catch(fail)

  return close
}

/**
 * Over HTTP/1.1 a browser opens six connections to a host for all its tabs: with six streams open, no page could load. So only
 * this many tabs hold a stream, and the others poll.
 */
const places = 4

/** A request for a lock fails after this time, in ms: some browsers never answer it, and a busy machine answers late. */
const lockAnswerMs = 2000

/** Why a tab gets no place. crowded: other tabs hold all places. unshared: this browser does not let its tabs agree, or not in time. */
export type NoPlace = 'crowded' | 'unshared'

/**
 * Takes one of the browser's places for a stream. Calls `lost` if another tab takes the place later, and `answeredLate` if the
 * browser answers after this has given up.
 * @returns a function that releases the place, or why there is none
 */
async function takeStreamPlace(lost: () => void, answeredLate: () => void): Promise<(() => void) | NoPlace> {
  try {
    // Missing on plain HTTP from another machine; forbidden if cookies are blocked.
    if (navigator.locks) return await takeLock(answeredLate)
  } catch {
    // Storage may be allowed all the same.
  }
  try {
    return await takeLease({ storage: localStorage, owner: String(Math.random()), lost })
  } catch {
    return 'unshared'
  }
}

async function takeLock(answeredLate: () => void): Promise<(() => void) | NoPlace> {
  for (let place = 1; place <= places; place++) {
    const release = await tryLock(`balance-board stream ${place}`, answeredLate)
    // Other tabs may hold locks. With a lease besides, the browser could open too many streams.
    if (release === 'no answer') return 'unshared'
    if (release) return release
  }
  return 'crowded'
}

/** @returns a function that releases the lock, or null if another tab has it */
function tryLock(name: string, answeredLate: () => void): Promise<(() => void) | null | 'no answer'> {
  return new Promise((resolve, reject) => {
    let inTime = true
    const timer = setTimeout(() => {
      inTime = false
      resolve('no answer')
    }, lockAnswerMs)
    navigator.locks
      .request(name, { ifAvailable: true }, lock => {
        clearTimeout(timer)
        // A lock that comes too late is released.
        if (!inTime) return answeredLate()
        if (!lock) return resolve(null)
        return new Promise<void>(release => resolve(() => release()))
      })
      .catch(reason => {
        clearTimeout(timer)
        reject(reason)
      })
  })
}

/** A place that a tab holds, as stored. `until`: ms of the browser's clock, which all its tabs share. */
type Lease = { owner: string; until: number }

const isLease = shapeOf<Lease>({ owner: isText, until: isNumber })

/** A tab that ends without releasing its lease keeps its place for this time, in ms. */
export const leaseMs = 4000
const renewEveryMs = 1000
/** Two tabs can write at the same moment: after this time, in ms, each reads which was last. */
const settleMs = 100

type LeaseOptions = {
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  /** different in every tab */
  owner: string
  lost: () => void
  now?: () => number
  pause?: (ms: number) => Promise<void>
}

/** Takes a place without Web Locks, by renewing an entry in the storage that all tabs share. @throws what the storage throws */
export async function takeLease(options: LeaseOptions): Promise<(() => void) | NoPlace> {
  const { storage, owner, now = Date.now, pause = wait } = options
  for (let place = 1; place <= places; place++) {
    const key = `balance-board stream ${place}`
    if (isHeld(readLease(storage.getItem(key)), now())) continue
    const renew = () =>
      storage.setItem(key, JSON.stringify({ owner, until: now() + leaseMs } satisfies Lease))
    renew()
    await pause(settleMs)
    if (readLease(storage.getItem(key))?.owner === owner) return keepLease(options, key, renew)
  }
  return 'crowded'
}

function keepLease({ storage, owner, lost }: LeaseOptions, key: string, renew: () => void): () => void {
  const isOwn = () => readLease(storage.getItem(key))?.owner === owner
  const timer = setInterval(() => {
    try {
      if (isOwn()) return renew()
    } catch {
      // Storage was switched off meanwhile: other tabs no longer see the place.
    }
    clearInterval(timer)
    lost()
  }, renewEveryMs)
  return () => {
    clearInterval(timer)
    try {
      if (isOwn()) storage.removeItem(key)
    } catch {
      // It expires.
    }
  }
}

/** A lease that ends too late is from before the clock was set back, and does not count. */
function isHeld(lease: Lease | null, now: number): boolean {
  return lease !== null && lease.until > now && lease.until <= now + leaseMs
}

function readLease(text: string | null): Lease | null {
  return readAs(isLease, text ?? '')
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
