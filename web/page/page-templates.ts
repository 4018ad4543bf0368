import { setTimeout as pause } from 'node:timers/promises'
import type { Snapshot } from '../answers.ts'
import { contentSecurityPolicy } from './content-security-policy.ts'
import { type PageView, providePageView } from './page-view.ts'
import { Template } from './template.ts'
import { makeTokens, type PageSlot } from './tokens.ts'

/**
 * ms for which one rendering serves all visitors: so Next renders twice a second at the most. In development each visit
 * has its own, since Next ties what it tells a page about its making to one request.
 */
const renderEveryMs = 500

/**
 * ms a page view waits for a newer page: with the time it then waits for its number, it must stay under what NGINX waits
 * for the page. A database that hangs would otherwise use up both.
 */
const patienceMs = 300

export type PageTemplate = {
  template: Template<PageSlot>
  /** what it was rendered from; its counter is older than any hit that is submitted from now on */
  snapshot: Snapshot
}

type PageSource = {
  /** the newest snapshot, at most that old */
  snapshot(maxAgeMs: number): Promise<Snapshot>
  /** has Next render `/` with these request headers. @throws when it does not answer 200 */
  renderPage(headers: Record<string, string>): Promise<string>
  server: PageView['server']
  stickySeconds: number
  development: boolean
}

/**
 * The page, rendered once for many visitors. All of a replica's visitors see the same page but for their own hit, so
 * Next renders it with tokens in place of the hit's own values, only when somebody asks and the snapshot has aged.
 */
export class PageTemplates {
  readonly #source: PageSource
  readonly #keepMs: number
  readonly #tokens = makeTokens()
  #latest: PageTemplate | null = null
  #renderedAt = Number.NEGATIVE_INFINITY
  #rendering: Promise<PageTemplate> | null = null
  #snapshot: Snapshot | null = null

  constructor(source: PageSource) {
    this.#source = source
    this.#keepMs = source.development ? 0 : renderEveryMs
    const { nonce: _, ...visit } = this.#tokens
    providePageView(() => {
      if (!this.#snapshot) throw new Error('the page is rendered before there is anything to show')
      const { server, stickySeconds: sticky_seconds } = source
      return { snapshot: this.#snapshot, visit, problem: null, server, sticky_seconds }
    })
  }

  /**
   * A page at most half a second old. When there is no newer one to be had, the last one: it says as of when it is.
   * @throws when not even a first one can be rendered
   */
  async current(): Promise<PageTemplate> {
    if (this.#latest && performance.now() - this.#renderedAt < this.#keepMs) return this.#latest
    this.#rendering ??= this.#render().finally(() => {
      this.#rendering = null
    })
    if (!this.#latest) return this.#rendering
    const timer = new AbortController()
    const timeUp = pause(patienceMs, null, { signal: timer.signal }).catch(() => null)
    const page = await Promise.race([this.#rendering.catch(() => null), timeUp])
    timer.abort()
    return page ?? this.#last()
  }

  async #render(): Promise<PageTemplate> {
    const startedAt = performance.now()
    const snapshot = await this.#source.snapshot(renderEveryMs)
    const unchanged = this.#latest?.snapshot === snapshot && !this.#source.development
    if (!unchanged) {
      this.#snapshot = snapshot
      const html = await this.#source.renderPage({
        'content-security-policy': contentSecurityPolicy(this.#tokens.nonce, this.#source.development),
      })
      this.#latest = { template: new Template(html, this.#tokens), snapshot }
    }
    this.#renderedAt = startedAt
    return this.#last()
  }

  #last(): PageTemplate {
    if (!this.#latest) throw new Error('no page has been rendered yet')
    return this.#latest
  }
}
