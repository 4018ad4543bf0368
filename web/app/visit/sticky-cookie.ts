import { useEffect, useState } from 'react'

/** `blocked`: this browser keeps no cookies. `unknown`: other pages may have changed the cookie, and this one did not hear of it. */
export type KnownHold = CookieNews | 'blocked' | 'unknown'

/** Outlives a board that is drawn again: the page's own visit is told once. */
let known: KnownHold | undefined

/**
 * What is known of the sticky cookie: this page's answer set it, and a later visit in another tab may have renewed,
 * moved or forgotten it. Undefined until the page runs in the browser.
 */
export function useCookieHold(srvId: string, server: string, stickySeconds: number): KnownHold | undefined {
  const [hold, setHold] = useState<KnownHold>()
  useEffect(() => {
    const take = (news: KnownHold) => {
      known = news
      setHold(news)
    }
    take(known === undefined ? holdOfThisVisit(srvId, server, stickySeconds) : known)
    if (known === 'blocked') return
    const cameBack = ({ persisted }: PageTransitionEvent) => {
      // By Back or Forward, from where the browser had put the page aside: it heard nothing there.
      if (persisted) take(lastCookieNews())
    }
    addEventListener('pageshow', cameBack)
    const unhear = hearOtherTabs(take)
    return () => {
      removeEventListener('pageshow', cameBack)
      unhear()
    }
  }, [srvId, server, stickySeconds])
  return hold
}

/** The cookie that this page's answer set; the other tabs hear of it. */
function holdOfThisVisit(srvId: string, server: string, stickySeconds: number): KnownHold {
  if (!keepsCookies()) return 'blocked'
  const own = { srv_id: srvId, server, until: answeredAt() + stickySeconds * 1000 }
  tellOtherTabs(own)
  return own
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
type CookieNews = CookieHold | null

/** Of the channel, and of the place in the storage. */
const name = 'balance-board cookie'

/**
 * All tabs of a browser share the cookie, so a visit in one renews or moves it for all: they tell each other. The last news is
 * stored as well, for pages that the browser had put aside.
 */
export function tellOtherTabs(news: CookieNews): void {
  store(news)
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

/** The last news of any tab, this one too; `unknown` where the browser stores none. */
function lastCookieNews(): CookieNews | 'unknown' {
  try {
    const text = localStorage.getItem(name)
    const data: unknown = text === null ? 'unknown' : JSON.parse(text)
    return data === null || isCookieHold(data) ? data : 'unknown'
  } catch {
    return 'unknown'
  }
}

function store(news: CookieNews): void {
  try {
    // Where there is no room for the new, the old must not stay.
    localStorage.removeItem(name)
    localStorage.setItem(name, JSON.stringify(news))
  } catch {
    // The browser stores nothing: see lastCookieNews.
  }
}

/** null where the browser has no channels, or forbids them as Firefox does when cookies are blocked. */
function openChannel(): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name)
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
