import { useEffect, useState } from 'react'
import { isNumber, isText, shapeOf } from '../live/api-client.ts'

const storageKey = 'balance-board streak'

/**
 * How many visits of this tab in a row the same server answered, this one too; null until the page runs in the browser, and
 * where that forbids storage: there nothing is known of earlier visits.
 */
export function useStreak(hit: string, srvId: string): number | null {
  const [times, setTimes] = useState<number | null>(null)
  useEffect(() => {
    try {
      const streak = withVisit(readStreak(sessionStorage.getItem(storageKey)), hit, srvId)
      sessionStorage.setItem(storageKey, JSON.stringify(streak))
      setTimes(streak.times)
    } catch {
      setTimes(null)
    }
  }, [hit, srvId])
  return times
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
