/** What the browser's sticky cookie says: the server it leads to, and until when (ms of the browser's clock). */
export type CookieHold = { srv_id: string; server: string; until: number }

/** null = forgotten on purpose */
export type CookieNews = CookieHold | null

const channelName = 'balance-board cookie'

/** All tabs of a browser share the cookie, so a visit in one renews or moves it for all: they tell each other. */
export function tellOtherTabs(news: CookieNews): void {
  const channel = new BroadcastChannel(channelName)
  channel.postMessage(news)
  channel.close()
}

/** Calls back with other tabs' news until the returned function is called. */
export function hearOtherTabs(heard: (news: CookieNews) => void): () => void {
  const channel = new BroadcastChannel(channelName)
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === null || isCookieHold(data)) heard(data)
  })
  return () => channel.close()
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
