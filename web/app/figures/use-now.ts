import { useEffect, useState } from 'react'
import { isTabAwake, onTabAwakeChange } from '../live/tab-awake.ts'

/** The browser's clock in ms, once a second while the tab can be seen; null until it runs in the browser. */
export function useNow(): number | null {
  const [now, setNow] = useState<number | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setInterval> | undefined
    const tick = () => setNow(Date.now())
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
  }, [])
  return now
}
