import { useEffect, useState } from 'react'
import { readStreak, withVisit } from './streak.ts'

const key = 'balance-board streak'

/**
 * How many visits of this tab in a row the same server answered, this one too; null until the page runs in the browser, and
 * where that forbids storage: there nothing is known of earlier visits.
 */
export function useStreak(hit: string, srvId: string): number | null {
  const [times, setTimes] = useState<number | null>(null)
  useEffect(() => {
    try {
      const streak = withVisit(readStreak(sessionStorage.getItem(key)), hit, srvId)
      sessionStorage.setItem(key, JSON.stringify(streak))
      setTimes(streak.times)
    } catch {
      setTimes(null)
    }
  }, [hit, srvId])
  return times
}
