/** What the browser's sticky cookie says: the server it leads to, and until when (ms of the browser's clock). */
export type CookieHold = { srv_id: string; server: string; until: number }

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
export function hearOtherTabs(heard: (news: CookieNews) => void): () => void {
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
export function keepsCookies(): boolean {
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
