import { useEffect, useState } from 'react'

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

/** What the browser's sticky cookie says: the server it leads to, and until when (ms of the browser's clock). */
type CookieHold = { srv_id: string; server: string; until: number }

/** null = forgotten on purpose */
export type CookieNews = CookieHold | null

const channelName = 'balance-board cookie'

/** All tabs of a browser share the cookie, so a visit in one renews or moves it for all: they tell each other. */
export function tellOtherTabs(news: CookieNews): void {
  const channel = openChannel()
  channel?.postMessage(news)
  channel?.close()
}

/** Calls back with other tabs' news until the returned function is called. */
function hearOtherTabs(heard: (news: CookieNews) => void): () => void {
  const channel = openChannel()
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === null || isCookieHold(data)) heard(data)
  })
  return () => channel?.close()
}

/** null where the browser has no channels, or forbids them as Firefox does when cookies are blocked. */
function openChannel(): BroadcastChannel | null {
  try {
    return new BroadcastChannel(channelName)
  } catch {
    return null
  }
}

const probe = 'board_cookie_probe'

/** Whether the browser keeps cookies of this site: one is set, read and removed. `navigator.cookieEnabled` knows no exceptions. */
function keepsCookies(): boolean {
  try {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API exists in secure contexts only
    document.cookie = `${probe}=1; path=/; samesite=lax; max-age=60`
    const kept = document.cookie.split('; ').includes(`${probe}=1`)
    // biome-ignore lint/suspicious/noDocumentCookie: as above
    document.cookie = `${probe}=; path=/; samesite=lax; max-age=0`
    return kept
  } catch {
    return false
  }
}

function isCookieHold(data: unknown): data is CookieHold {
  return (
    typeof data === 'object' &&
    data !== null &&
    'srv_id' in data &&
    typeof data.srv_id === 'string' &&
    'server' in data &&
    typeof data.server === 'string' &&
    'until' in data &&
    typeof data.until === 'number'
  )
}
