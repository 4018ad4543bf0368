import { useEffect, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import { isNumber, isText, orNull, shapeOf } from '../../shared/guards.ts'
import { type ShownState, shownState } from '../../shared/shown-state.ts'

/** `blocked`: this browser keeps no cookies. `unknown`: other pages may have changed the cookie without notice to this one. */
export type KnownHold = CookieNews | 'blocked' | 'unknown'

/** Kept when React mounts the board again: the page announces its visit once. */
let known: KnownHold | undefined

/**
 * What is known about the sticky cookie. This page's answer set it; a later visit in another tab may have renewed, moved or
 * deleted it. Undefined until the page runs in the browser.
 */
export function useCookieHold(srvId: string, server: string, stickySeconds: number): KnownHold | undefined {
  const [hold, setHold] = useState<KnownHold>()
  useEffect(() => {
    const update = (news: KnownHold) => {
      known = news
      setHold(news)
    }
    update(known === undefined ? holdOfThisVisit(srvId, server, stickySeconds) : known)
    if (known === 'blocked') return
    const cameBack = ({ persisted }: PageTransitionEvent) => {
      // A page in the back/forward cache receives no messages.
      if (persisted) update(lastCookieNews())
    }
    addEventListener('pageshow', cameBack)
    const stopHearing = hearOtherTabs(update)
    return () => {
      removeEventListener('pageshow', cameBack)
      stopHearing()
    }
  }, [srvId, server, stickySeconds])
  return hold
}

/**
 * By srv_id, of every server that this page has seen: what becomes of its visitors, before "to another server"; empty while its
 * cookie leads to it.
 */
export type GoneServers = Record<string, string>

/** Which servers a cookie no longer leads to. Remembers those that the board has stopped showing. */
export function useGoneServers(servers: ServerRow[], at: string): GoneServers {
  const [known, setKnown] = useState<GoneServers>({})
  const next = goneServers(known, servers, at)
  if (Object.entries(next).some(([srvId, how]) => known[srvId] !== how)) setKnown(next)
  return next
}

const goneWords: Partial<Record<ShownState, string>> = {
  // It may still answer.
  silent: 'is silent: your next visit may go',
  lost: 'is lost: your next visit goes',
  stopped: 'has stopped: your next visit goes',
  // The visitor's server was up before, so this is not its first start.
  joining: 'is restarting: your next visit may go',
}

type SeenServer = Pick<ServerRow, 'srv_id' | 'state' | 'last_seen_at'>

/** `at`: the time of the snapshot that the servers are from. */
export function goneServers(known: GoneServers, servers: SeenServer[], at: string): GoneServers {
  const gone: GoneServers = {}
  for (const [srvId, how] of Object.entries(known)) gone[srvId] = how || 'is gone: your next visit goes'
  for (const server of servers) gone[server.srv_id] = goneWords[shownState(server, at)] ?? ''
  return gone
}

/** The cookie that this page's answer set. Announces it to the other tabs. */
function holdOfThisVisit(srvId: string, server: string, stickySeconds: number): KnownHold {
  if (!keepsCookies()) return 'blocked'
  const hold = { srv_id: srvId, server, until: answeredAt() + stickySeconds * 1000 }
  tellOtherTabs(hold)
  return hold
}

/** When this page's answer came, in ms of the browser's clock, by which the cookie expires. */
function answeredAt(): number {
  const [navigation] = performance.getEntriesByType('navigation')
  const afterStart = navigation instanceof PerformanceNavigationTiming ? navigation.responseStart : 0
  return performance.timeOrigin + afterStart
}

/** The server that the sticky cookie leads to, and until when, in ms of the browser's clock. */
type CookieHold = { srv_id: string; server: string; until: number }

const isCookieNews = orNull(shapeOf<CookieHold>({ srv_id: isText, server: isText, until: isNumber }))

/** null = deleted on purpose */
type CookieNews = CookieHold | null

/** Name of the channel, and key in the storage. */
const name = 'balance-board cookie'

/**
 * All tabs of a browser share the cookie: a visit in one tab renews or moves it for all, so the tabs tell each other. The last
 * news is also stored, for pages in the back/forward cache.
 */
export function tellOtherTabs(news: CookieNews): void {
  store(news)
  const channel = openChannel()
  channel?.postMessage(news)
  channel?.close()
}

/** Calls back with other tabs' news until the returned function is called. */
function hearOtherTabs(onNews: (news: CookieNews) => void): () => void {
  const channel = openChannel()
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isCookieNews(data)) onNews(data)
  })
  return () => channel?.close()
}

/** The last news of any tab, including this one; `unknown` if the browser stores nothing. */
function lastCookieNews(): CookieNews | 'unknown' {
  try {
    const text = localStorage.getItem(name)
    const data: unknown = text === null ? 'unknown' : JSON.parse(text)
    return isCookieNews(data) ? data : 'unknown'
  } catch {
    return 'unknown'
  }
}

function store(news: CookieNews): void {
  try {
    // If there is no room for the new value, the old one must not stay.
    localStorage.removeItem(name)
    localStorage.setItem(name, JSON.stringify(news))
  } catch {
    // Nothing is stored: lastCookieNews handles it.
  }
}

/** null if the browser has no channels, or forbids them, as Firefox does when cookies are blocked. */
function openChannel(): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name)
  } catch {
    return null
  }
}

const probe = 'board_cookie_probe'

/** Whether the browser keeps cookies of this site: sets, reads and removes one. `navigator.cookieEnabled` ignores exceptions. */
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
