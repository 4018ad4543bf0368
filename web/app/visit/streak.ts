import { useEffect, useState } from 'react'
import { isNumber, isText, readAs, shapeOf } from '../../shared/guards.ts'

const storageKey = 'balance-board streak'

/** This visit among the visits of its tab. `before`: the visit before it, as far as the tab knows. */
export type KnownStreak = { times: number; before: 'nothing' | 'same server' | 'other server' | 'unknown' }

type Known = { streak: Streak; before: KnownStreak['before'] }

/** Kept when React mounts the board again. */
let known: Known | undefined

/**
 * How many visits of this tab in a row the same server answered, including this one; null until the page runs in the browser,
 * and if the browser forbids storage.
 * The storage has the streak only between two pages: a duplicated tab copies the storage of the open page, but made none of its
 * visits.
 */
export function useStreak(hit: string, srvId: string): KnownStreak | null {
  const [streak, setStreak] = useState<KnownStreak | null>(null)
  useEffect(() => {
    try {
      known ??= join(takeStreak(), hit, srvId)
    } catch {
      return
    }
    setStreak({ times: known.streak.times, before: known.before })
    const leave = () => known && storeStreak(known.streak)
    const comeBack = ({ persisted }: PageTransitionEvent) => {
      if (persisted) takeNewer()
    }
    addEventListener('pagehide', leave)
    addEventListener('pageshow', comeBack)
    return () => {
      removeEventListener('pagehide', leave)
      removeEventListener('pageshow', comeBack)
    }
  }, [hit, srvId])
  return streak
}

function join(earlier: Streak | null, hit: string, srvId: string): Known {
  const streak = withVisit(earlier, hit, srvId)
  if (earlier) return { streak, before: streak.times > 1 ? 'same server' : 'other server' }
  const [navigation] = performance.getEntriesByType('navigation')
  // A reloaded page follows a visit, but knows nothing about it if that page's script did not run.
  const isFirst = !(navigation && 'type' in navigation) || navigation.type === 'navigate'
  return { streak, before: isFirst ? 'nothing' : 'unknown' }
}

/** After a return from the back/forward cache: continues with the streak of the tab's later visits. */
function takeNewer(): void {
  try {
    const streak = takeStreak()
    if (known && streak) known = { ...known, streak }
  } catch {
    // Storage was switched off meanwhile.
  }
}

/** Removes the streak from the storage. @throws if the browser forbids storage */
function takeStreak(): Streak | null {
  const streak = readStreak(sessionStorage.getItem(storageKey))
  // Throws if nothing can be stored.
  sessionStorage.setItem(storageKey, '')
  sessionStorage.removeItem(storageKey)
  return streak
}

function storeStreak(streak: Streak): void {
  try {
    sessionStorage.setItem(storageKey, JSON.stringify(streak))
  } catch {
    // The next page starts a new streak.
  }
}

/** Visits of this tab in a row that the same server answered. */
type Streak = {
  srv_id: string
  /** number of the last one: the same visit does not count twice */
  hit: string
  times: number
}

const isStreak = shapeOf<Streak>({ srv_id: isText, hit: isText, times: isNumber })

/** The streak with this visit. Another server's answer starts a new one. */
export function withVisit(before: Streak | null, hit: string, srv_id: string): Streak {
  if (before?.srv_id !== srv_id) return { srv_id, hit, times: 1 }
  return { srv_id, hit, times: before.hit === hit ? before.times : before.times + 1 }
}

/** The stored streak; null if the text is not a streak. */
export function readStreak(json: string | null): Streak | null {
  return readAs(isStreak, json ?? '')
}
