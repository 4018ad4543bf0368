import { useEffect, useState, useSyncExternalStore } from 'react'

const never = () => () => {}

/** False on the server and in the first render of the browser, which must equal the HTML; true from then on. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
}

/** Whether a person can see this page: not in a hidden tab, nor made in advance and not yet come to. */
export function isTabVisible(): boolean {
  return document.visibilityState === 'visible' && !('prerendering' in document && document.prerendering)
}

/** Calls back whenever that may have changed, until the returned function is called. */
export function onTabVisibleChange(changed: () => void): () => void {
  const events = ['visibilitychange', 'prerenderingchange']
  for (const event of events) document.addEventListener(event, changed)
  return () => {
    for (const event of events) document.removeEventListener(event, changed)
  }
}

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
      if (!isTabVisible()) return
      tick()
      timer = setInterval(tick, 1000)
    }
    followTab()
    const unfollowTab = onTabVisibleChange(followTab)
    return () => {
      unfollowTab()
      clearInterval(timer)
    }
  }, [clock])
  return now
}
