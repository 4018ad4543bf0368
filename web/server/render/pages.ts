// Rendering: pages that Next renders once and that the replica fills in for each hit. endpoints/page.ts and
// error-pages.ts call this module. It has Next (start-next-app.ts, next-thread.ts) render the page from the latest
// snapshot with tokens in it; template.ts cuts the result at the tokens, compressed-page.ts and page-deflate.ts keep it
// compressed with gaps for the values.

import { setTimeout as pause } from 'node:timers/promises'
import type { Snapshot } from '../../shared/api.ts'
import { shownState } from '../../shared/shown-state.ts'
import { retryAfter } from '../hits/hit.ts'
import {
  makeProblemTokens,
  makeTokens,
  type PageRendering,
  type PageSlot,
  type ProblemSlot,
  renderTemplate,
  type Template,
} from './template.ts'

/**
 * ms for which one rendering serves all visitors at least: Next renders at most twice a second. In development each visit is
 * rendered, since Next ties a page's debug information to one request.
 */
const renderEveryMs = 500

/** ms after which a page view waits for a newer page. Until then it takes this one while the newer one is rendered. */
const waitAfterMs = 1000

/** ms before that at which the next rendering begins, and in addition twice the last one's duration */
const renderAheadMs = 100

/** ms after which the last page of a replica without visits is rendered again, for its figures. */
const maxIdleAgeMs = 30_000

/**
 * ms that a page view waits for a rendering. Together with the wait for its number this must stay below what NGINX
 * waits for the page, also on a busy machine and with a database that hangs.
 */
const renderWaitMs = 300

type PageTemplate = {
  template: Template<PageSlot>
  /** what it was rendered from. Its counter is older than any hit that is submitted from now on. */
  snapshot: Snapshot
}

type PageSource = PageRendering & {
  /** the newest snapshot, at most `maxAgeMs` old */
  snapshot(maxAgeMs: number): Promise<Snapshot>
}

/**
 * The page, rendered once for many visitors. All visitors of a replica see the same page except for their hit, so Next
 * renders it with tokens in place of the hit's values, on demand, when the snapshot has aged.
 */
export class PageTemplates {
  readonly #source: PageSource
  readonly #waitAfterMs: number
  readonly #tokens = makeTokens()
  #latest: PageTemplate | null = null
  #renderedAt = Number.NEGATIVE_INFINITY
  #renderingTookMs = waitAfterMs
  #rendering: Promise<PageTemplate> | null = null

  constructor(source: PageSource) {
    this.#source = source
    this.#waitAfterMs = source.development ? 0 : waitAfterMs
  }

  /**
   * A page at most one second old; the last page if no newer one is ready in time. The page shows its time.
   * @throws if the first page cannot be rendered
   */
  async current(): Promise<PageTemplate> {
    const ageMs = performance.now() - this.#renderedAt
    if (this.#latest && ageMs < this.#keepMs) return this.#latest
    const rendering = this.#renderOnce()
    if (!this.#latest) return rendering
    if (ageMs < this.#waitAfterMs) {
      // A page view that waits for a page reports the failure.
      rendering.catch(() => {})
      return this.#latest
    }
    const timer = new AbortController()
    const timeUp = pause(renderWaitMs, null, { signal: timer.signal }).catch(() => null)
    const page = await Promise.race([rendering.catch(() => null), timeUp])
    timer.abort()
    return page ?? this.#last()
  }

  /**
   * Renders the page if the last one shows other servers or states than there are, or is old. For a busy replica, which may have
   * to send its last page: also after a time without visits this one has the right rows and cards, so that nothing moves when the
   * browser gets its first update. Call it with each heartbeat. @throws if the board cannot be read or rendered
   */
  async followServers(): Promise<void> {
    // In development each visit is rendered.
    if (this.#source.development) return
    const snapshot = await this.#source.snapshot(renderEveryMs)
    const isRecent = performance.now() - this.#renderedAt < maxIdleAgeMs
    const last = this.#latest && serversShown(this.#latest.snapshot)
    if (isRecent && last === serversShown(snapshot)) return
    await this.#renderOnce()
  }

  #renderOnce(): Promise<PageTemplate> {
    this.#rendering ??= this.#render().finally(() => {
      this.#rendering = null
    })
    return this.#rendering
  }

  /** ms from one rendering to the next: as long as the next one probably ends before a page view waits for it. */
  get #keepMs(): number {
    if (this.#source.development) return 0
    return Math.max(renderEveryMs, waitAfterMs - renderAheadMs - 2 * this.#renderingTookMs)
  }

  async #render(): Promise<PageTemplate> {
    const startedAt = performance.now()
    // The longer the page will be shown, the newer what it shows: together one second.
    const snapshot = await this.#source.snapshot(Math.min(renderEveryMs, waitAfterMs - this.#keepMs))
    const unchanged = this.#latest?.snapshot === snapshot && !this.#source.development
    if (!unchanged) {
      const { nonce: _, ...visit } = this.#tokens
      const template = await renderTemplate(this.#source, { snapshot, visit, problem: null }, this.#tokens)
      this.#latest = { template, snapshot }
      this.#renderingTookMs = performance.now() - startedAt
    }
    this.#renderedAt = startedAt
    return this.#last()
  }

  #last(): PageTemplate {
    if (!this.#latest) throw new Error('no page has been rendered yet')
    return this.#latest
  }
}

/** What of a snapshot decides which rows, cards and words the page has. */
function serversShown({ servers, at, earlier_hits }: Snapshot): string {
  const rows = servers.map(server => [server.id, server.name, shownState(server, at)])
  return JSON.stringify([rows, earlier_hits > 0])
}

type ProblemSource = PageRendering & {
  /** the last snapshot, however old; null if there is none */
  latest(): Snapshot | null
}

/**
 * The page for visits that got no number: the board as this replica last saw it, which the browser updates live like any other.
 * Rendered on demand and then shared. It does not query the database.
 */
export class ProblemPages {
  readonly #source: ProblemSource
  readonly #tokens = makeProblemTokens()
  #latest: { template: Template<ProblemSlot>; snapshot: Snapshot; renderedAt: number } | null = null
  #rendering: Promise<Template<ProblemSlot>> | null = null

  constructor(source: ProblemSource) {
    this.#source = source
  }

  /**
   * A rendering of the last snapshot. The one before if that takes too long; null if there is none before.
   * @throws if there is no snapshot yet, or Next cannot render
   */
  async current(): Promise<Template<ProblemSlot> | null> {
    const snapshot = this.#source.latest()
    if (!snapshot) throw new Error('there is nothing to show yet')
    const { development } = this.#source
    const last = this.#latest
    const isFresh = last?.snapshot === snapshot || performance.now() - (last?.renderedAt ?? 0) < renderEveryMs
    if (last && isFresh && !development) return last.template
    this.#rendering ??= this.#render(snapshot).finally(() => {
      this.#rendering = null
    })
    if (development) return this.#rendering
    const timer = new AbortController()
    const timeUp = pause(renderWaitMs, last?.template ?? null, { signal: timer.signal })
    // No code handles a failure of the promise that loses the race.
    for (const promise of [this.#rendering, timeUp]) promise.catch(() => {})
    return Promise.race([this.#rendering, timeUp]).finally(() => timer.abort())
  }

  async #render(snapshot: Snapshot): Promise<Template<ProblemSlot>> {
    const renderedAt = performance.now()
    const { nonce: _, ...texts } = this.#tokens
    const problem = { ...texts, retry_after: retryAfter }
    const template = await renderTemplate(this.#source, { snapshot, visit: null, problem }, this.#tokens)
    this.#latest = { template, snapshot, renderedAt }
    return template
  }
}
