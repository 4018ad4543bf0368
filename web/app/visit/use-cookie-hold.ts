import { useEffect, useState } from 'react'
import { type CookieNews, hearOtherTabs, keepsCookies, tellOtherTabs } from './cookie-hold.ts'

/**
 * What is known of the sticky cookie: this page's answer set it, and a later visit in another tab may have renewed,
 * moved or forgotten it. Undefined until the page runs in the browser, `blocked` where that keeps no cookies.
 */
export function useCookieHold(
  srvId: string,
  server: string,
  stickySeconds: number,
): CookieNews | 'blocked' | undefined {
  const [hold, setHold] = useState<CookieNews | 'blocked'>()
  useEffect(() => {
    if (!keepsCookies()) return setHold('blocked')
    const own = { srv_id: srvId, server, until: answeredAt() + stickySeconds * 1000 }
    setHold(own)
    tellOtherTabs(own)
    return hearOtherTabs(setHold)
  }, [srvId, server, stickySeconds])
  return hold
}

/** When this page's answer came, by the browser's own clock, which is the one that lets the cookie expire. */
function answeredAt(): number {
  const [navigation] = performance.getEntriesByType('navigation')
  const afterStart = navigation instanceof PerformanceNavigationTiming ? navigation.responseStart : 0
  return performance.timeOrigin + afterStart
}
