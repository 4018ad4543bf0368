import { isLiveOutage, isSnapshot, type LiveOutage, type Snapshot } from '../../shared/api.ts'
import { type Guard, readAs } from '../../shared/guards.ts'

type StreamListener = {
  snapshot(snapshot: Snapshot): void
  change(change: Snapshot): void
  trouble(trouble: LiveOutage): void
  /** nothing more will come */
  failed(): void
  /** this tab gets no stream now, and why */
  refused(why: NoPlace): void
}

/** Opens the live feed; the returned function closes it, after which the listener hears nothing more. */
export function openStream(url: string, listener: StreamListener): () => void {
  let source: EventSource | undefined
  let givePlaceBack: (() => void) | undefined
  let closed = false

  function close(): void {
    closed = true
    source?.close()
    givePlaceBack?.()
  }

  function fail(): void {
    if (closed) return
    close()
    listener.failed()
  }

  function open(): void {
    source = new EventSource(url)
    const hear = <T>(event: string, guard: Guard<T>, tell: (data: T) => void) =>
      source?.addEventListener(event, ({ data }) => {
        const read = readAs(guard, String(data))
        if (read === null) fail()
        else tell(read)
      })
    hear('snapshot', isSnapshot, listener.snapshot)
    hear('change', isSnapshot, listener.change)
    hear('trouble', isLiveOutage, listener.trouble)
    // It would try again by itself, at its own pace and not at all after some errors: see connection.ts instead.
    source.addEventListener('error', fail)
  }

  takeStreamPlace(fail)
    .then(place => {
      if (typeof place === 'string') {
        if (!closed) listener.refused(place)
      } else if (closed) {
        place()
      } else {
        givePlaceBack = place
        open()
      }
    })
    .catch(fail)

  return close
}

/**
 * Over HTTP/1.1 a browser opens six connections to a host, all its tabs together: with six streams open, no page would
 * load any more. So this many tabs hold one, and the others poll.
 */
const places = 4

/** Until a request for a lock has failed, in ms: some browsers leave it without an answer. */
const lockAnswerMs = 2000

/** Why a tab gets no place. crowded: other tabs hold them all. unshared: this browser does not let its tabs agree. */
export type NoPlace = 'crowded' | 'unshared'

/**
 * Takes one of the browser's places for a stream.
 * @returns a function that gives it back, or why there is none. `lost` is called when another tab has taken the place
 */
async function takeStreamPlace(lost: () => void): Promise<(() => void) | NoPlace> {
  try {
    // Missing on plain HTTP from another machine, and refused where cookies are blocked.
    if (navigator.locks) return await takeLock()
  } catch {
    // Storage may still be allowed.
  }
  try {
    return await takeLease({ storage: localStorage, owner: String(Math.random()), lost })
  } catch {
    return 'unshared'
  }
}

async function takeLock(): Promise<(() => void) | NoPlace> {
  for (let place = 1; place <= places; place++) {
    const release = await tryLock(`balance-board stream ${place}`)
    // Other tabs may get their locks: with a lease beside them, the browser could open too many streams.
    if (release === 'no answer') return 'unshared'
    if (release) return release
  }
  return 'crowded'
}

/** @returns a function that gives the lock back, or null where another tab has it */
function tryLock(name: string): Promise<(() => void) | null | 'no answer'> {
  return new Promise((resolve, reject) => {
    let inTime = true
    const timer = setTimeout(() => {
      inTime = false
      resolve('no answer')
    }, lockAnswerMs)
    navigator.locks
      .request(name, { ifAvailable: true }, lock => {
        clearTimeout(timer)
        // A lock that comes too late is given back.
        if (!lock || !inTime) return resolve(null)
        return new Promise<void>(release => resolve(() => release()))
      })
      .catch(reason => {
        clearTimeout(timer)
        reject(reason)
      })
  })
}

/** A place that a tab holds, as stored. `until` is in ms of the browser's clock, which all its tabs share. */
type Lease = { owner: string; until: number }

/** A tab that ends without giving its lease back keeps its place for this long, in ms. */
export const leaseMs = 4000
const renewEveryMs = 1000
/** Two tabs can write at the same moment: after this many ms each reads who was last. */
const settleMs = 100

type LeaseOptions = {
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  /** different in every tab */
  owner: string
  lost: () => void
  now?: () => number
  pause?: (ms: number) => Promise<void>
}

/** A place without Web Locks, held by renewing an entry of the storage that all tabs share. @throws what the storage throws */
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
      // Storage was switched off meanwhile: the place is no longer known to other tabs.
    }
    clearInterval(timer)
    lost()
  }, renewEveryMs)
  return () => {
    clearInterval(timer)
    try {
      if (isOwn()) storage.removeItem(key)
    } catch {
      // It runs out by itself.
    }
  }
}

/** A lease that ends later than any could is from before the clock was set back, and counts for nothing. */
function isHeld(lease: Lease | null, now: number): boolean {
  return lease !== null && lease.until > now && lease.until <= now + leaseMs
}

function readLease(text: string | null): Lease | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    if (typeof value !== 'object' || value === null || !('owner' in value) || !('until' in value)) return null
    const { owner, until } = value
    return typeof owner === 'string' && typeof until === 'number' ? { owner, until } : null
  } catch {
    return null
  }
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
