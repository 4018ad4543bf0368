import { visitMany } from '../lib/load.ts'

/** Whatever happens, the visits end after that. */
const longestMs = 10 * 60_000

/** Fifteen visits a second until it is disposed of: nine by a dozen regulars, six by strangers, who all ask for the page. */
export function startVisitors(url: string): AsyncDisposable {
  const told = new AbortController()
  const asBrowsers = { forMs: longestMs, until: told.signal, accept: 'text/html' } as const
  const visits = Promise.all([
    visitMany(`${url}/`, { ...asBrowsers, connections: 12, perSecond: 9, keepCookies: true }),
    visitMany(`${url}/`, { ...asBrowsers, connections: 4, perSecond: 6 }),
  ])
  return {
    async [Symbol.asyncDispose]() {
      told.abort()
      await visits
    },
  }
}
