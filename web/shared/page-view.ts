import { AsyncLocalStorage } from 'node:async_hooks'
import type { Snapshot } from './api.ts'

/**
 * The visit's own values on the page, as texts. When the replica lets Next render the page they are one-off tokens, which the
 * replica replaces with each hit's values later. So the page may print them, but must not compute with them before it runs
 * in the browser.
 */
export type VisitTexts = {
  /** the hit's number, digits */
  hit: string
  /** the global counter, digits; never less than `hit` */
  counter: string
  client_ip: string
  /** ISO 8601, UTC, ms */
  at: string
  /** `at` for people, before the browser knows their time zone: "12:04:31.203 UTC" */
  at_text: string
  /** "new", "returning" or "moved" */
  arrival: string
  /** in the words of a log row: "new visitor", "came back", "came back, or from web-5", "moved from web-2" */
  arrival_text: string
  /** if moved: from where, to where and why, in sentences; else empty */
  moved_text: string
  /** if moved: the srv_id that the cookie names; else empty */
  cookie: string
  /** for clients that are no browser: the origin they requested, e.g. "https://board.example"; else empty */
  origin: string
}

/** Why a page view was not counted, or may not have been. The texts are tokens, as in a visit. */
export type PageProblem = { code: string; message: string; retry_after: number }

/** Where a visitor's browser finds Prometheus and Grafana; null = no link. hasAlerts: the replica reads the alerts that fire. */
export type MonitoringLinks = { prometheus: string | null; grafana: string | null; hasAlerts: boolean }

/** Everything that one rendering of the page shows. */
export type PageView = {
  snapshot: Snapshot
  /** null if the page view was not counted */
  visit: VisitTexts | null
  /** null if the page view was counted */
  problem: PageProblem | null
  /** the server that answers */
  server: { id: number; srv_id: string; name: string; address: string }
  monitoring: MonitoringLinks
  /** lifetime of the sticky cookie in seconds */
  sticky_seconds: number
}

// Next bundles the page separately from the replica's modules. Both find the view through this global.
const key = Symbol.for('balance-board.page-view')
const shared = globalThis as { [key]?: AsyncLocalStorage<PageView> }

/** For the replica: pages rendered inside `render` show this view. Several may run concurrently. */
export function withPageView<T>(view: PageView, render: () => T): T {
  shared[key] ??= new AsyncLocalStorage()
  return shared[key].run(view, render)
}

/** For the page, while it renders. */
export function takePageView(): PageView {
  const view = shared[key]?.getStore()
  if (!view) throw new Error('the page is rendered by web/server/replica/main.ts, not by Next on its own')
  return view
}
