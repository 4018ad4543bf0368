import { AsyncLocalStorage } from 'node:async_hooks'
import type { Snapshot } from './api.ts'

/**
 * What the page shows of the visit that asked for it, as texts. While the replica has Next render the page these
 * are one-off tokens, which it then replaces with each hit's own values: so the page may print them, but not
 * compute with them before it runs in the browser.
 */
export type VisitTexts = {
  /** the hit's number, digits */
  hit: string
  /** the global counter, digits; never less than `hit` */
  counter: string
  client_ip: string
  /** ISO 8601, UTC, ms */
  at: string
  /** the same for people, as the log's times read before the browser knows their zone: "12:04:31.203 UTC" */
  at_text: string
  /** "new", "returning" or "moved" */
  arrival: string
  /** in words, as a log row says it: "new visitor", "came back", "came back, or from web-5", "moved from web-2" */
  arrival_text: string
  /** for who was moved: from where to where and why, in sentences; else empty */
  moved_text: string
  /** for who was moved: the srv_id that their cookie names; else empty, since it is none, or this server's */
  cookie: string
  /** for who is no browser: the origin that was asked, e.g. "https://board.example"; else empty */
  origin: string
}

/** Why a page view was not counted, or is not known to be; texts like those of a visit, and as opaque. */
export type PageProblem = { code: string; message: string; retry_after: number }

/** All that one rendering of the page is made of. */
export type PageView = {
  snapshot: Snapshot
  /** null where nothing was counted */
  visit: VisitTexts | null
  /** null where it was counted */
  problem: PageProblem | null
  /** the server that answers */
  server: { id: number; srv_id: string; name: string; address: string }
  /** life of the sticky cookie, in seconds */
  sticky_seconds: number
}

// Next bundles the page apart from the replica's own modules; in one process a global is where the two meet.
const key = Symbol.for('balance-board.page-view')
const shared = globalThis as { [key]?: AsyncLocalStorage<PageView> }

/** Called by the replica: what `render` renders shows this view. Several may be under way at once. */
export function withPageView<T>(view: PageView, render: () => T): T {
  shared[key] ??= new AsyncLocalStorage()
  return shared[key].run(view, render)
}

/** Called by the page while it renders. */
export function takePageView(): PageView {
  const view = shared[key]?.getStore()
  if (!view) throw new Error('the page is rendered by web/server/replica/main.ts, not by Next on its own')
  return view
}
