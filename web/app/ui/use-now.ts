import { useEffect, useState } from 'react'
import { isTabAwake, onTabAwakeChange } from './tab-awake.ts'

/** A clock for how long something has lasted: it goes on when the browser's clock is set. In ms. */
export const steadyNow = () => performance.now()

/**
 * A clock in ms, read once a second while the tab can be seen; null until the page runs in the browser. The default is the
 * browser's own clock, by which cookies expire.
 */
export function useNow(clock: () => number = Date.now): number | null {
  const [now, setNow] = useState<number | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setInterval> | undefined
    const tick = () => setNow(clock())
    const followTab = () => {
      clearInterval(timer)
      if (!isTabAwake()) return
      tick()
      timer = setInterval(tick, 1000)
    }
    followTab()
    const unfollowTab = onTabAwakeChange(followTab)
    return () => {
      unfollowTab()
      clearInterval(timer)
    }
  }, [clock])
  return now
}
