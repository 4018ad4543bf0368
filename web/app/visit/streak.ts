import { useEffect, useState } from 'react'
import { isNumber, isText, shapeOf } from '../../shared/guards.ts'

const storageKey = 'balance-board streak'

/** This visit among the visits of its tab. `before`: what came just before it, as far as the tab knows. */
export type InARow = { times: number; before: 'nothing' | 'same server' | 'other server' | 'unknown' }

type Known = { streak: Streak; before: InARow['before'] }

/** Of this page. Outlives a board that is drawn again. */
let known: Known | undefined

/**
 * How many visits of this tab in a row the same server answered, this one too; null until the page runs in the browser, and
 * where that forbids storage.
 * The storage has the streak only between two pages: a tab that is duplicated copies the storage of the page that is open, and
 * has made none of its visits.
 */
export function useStreak(hit: string, srvId: string): InARow | null {
  const [row, setRow] = useState<InARow | null>(null)
  useEffect(() => {
    try {
      known ??= join(takeStreak(), hit, srvId)
    } catch {
      return
    }
    setRow({ times: known.streak.times, before: known.before })
    const leave = () => known && storeStreak(known.streak)
    const comeBack = ({ persisted }: PageTransitionEvent) => {
      if (persisted) takeLater()
    }
    addEventListener('pagehide', leave)
    addEventListener('pageshow', comeBack)
    return () => {
      removeEventListener('pagehide', leave)
      removeEventListener('pageshow', comeBack)
    }
  }, [hit, srvId])
  return row
}

function join(earlier: Streak | null, hit: string, srvId: string): Known {
  const streak = withVisit(earlier, hit, srvId)
  if (earlier) return { streak, before: streak.times > 1 ? 'same server' : 'other server' }
  const [navigation] = performance.getEntriesByType('navigation')
  // A page that is loaded again follows a visit, which it cannot know if that page's script did not run.
  const isFirst = !(navigation && 'type' in navigation) || navigation.type === 'navigate'
  return { streak, before: isFirst ? 'nothing' : 'unknown' }
}

/** Back from where the browser had put this page aside: the streak of the visits that the tab made since goes on. */
function takeLater(): void {
  try {
    const streak = takeStreak()
    if (known && streak) known = { ...known, streak }
  } catch {
    // Storage was switched off meanwhile.
  }
}

/** @throws where the browser forbids storage */
function takeStreak(): Streak | null {
  const streak = readStreak(sessionStorage.getItem(storageKey))
  // Also tells whether anything can be stored.
  sessionStorage.setItem(storageKey, '')
  sessionStorage.removeItem(storageKey)
  return streak
}

function storeStreak(streak: Streak): void {
  try {
    sessionStorage.setItem(storageKey, JSON.stringify(streak))
  } catch {
    // The next page knows of no earlier one.
  }
}

/** Visits of this tab that the same server answered, one after the other. */
type Streak = {
  srv_id: string
  /** the last of them, a hit's number: who asks again for the same visit does not count it twice */
  hit: string
  times: number
}

const isStreak = shapeOf<Streak>({ srv_id: isText, hit: isText, times: isNumber })

/** The streak once this visit is in it. Another server's answer begins a new one. */
export function withVisit(before: Streak | null, hit: string, srv_id: string): Streak {
  if (before?.srv_id !== srv_id) return { srv_id, hit, times: 1 }
  return { srv_id, hit, times: before.hit === hit ? before.times : before.times + 1 }
}

/** What was stored, or null when it is not a streak. */
export function readStreak(json: string | null): Streak | null {
  try {
    const value: unknown = JSON.parse(json ?? 'null')
    return isStreak(value) ? value : null
  } catch {
    return null
  }
}
