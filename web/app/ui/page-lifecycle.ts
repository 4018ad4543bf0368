import { useEffect, useState, useSyncExternalStore } from 'react'

const never = () => () => {}

/** False on the server and in the browser's first render, which must equal the HTML; then true. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
}

/** Whether a person can see this page: its tab is visible, and it is not prerendered. */
export function isTabVisible(): boolean {
  return document.visibilityState === 'visible' && !('prerendering' in document && document.prerendering)
}

/** Calls back when that may have changed, until the returned function is called. */
export function onTabVisibleChange(onChange: () => void): () => void {
  const events = ['visibilitychange', 'prerenderingchange']
  for (const event of events) document.addEventListener(event, onChange)
  return () => {
    for (const event of events) document.removeEventListener(event, onChange)
  }
}

/** A clock for durations, in ms: setting the browser's clock does not change it. */
export const steadyNow = () => performance.now()

/**
 * The time in ms, updated every second while the tab is visible; null until the page runs in the browser. The default is the
 * browser's clock, by which cookies expire.
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
