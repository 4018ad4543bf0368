import { useEffect, useState } from 'react'
import { readStreak, withVisit } from './streak.ts'

const key = 'balance-board streak'

/** How many visits of this tab in a row the same server answered, this one too; null until the page runs in the browser. */
export function useStreak(hit: string, srvId: string): number | null {
  const [times, setTimes] = useState<number | null>(null)
  useEffect(() => {
    const streak = withVisit(recall(), hit, srvId)
    remember(JSON.stringify(streak))
    setTimes(streak.times)
  }, [hit, srvId])
  return times
}

function recall() {
  try {
    return readStreak(sessionStorage.getItem(key))
  } catch {
    return null
  }
}

function remember(text: string): void {
  try {
    sessionStorage.setItem(key, text)
  } catch {
    // Storage is forbidden: each visit is then the first that is known of.
  }
}
