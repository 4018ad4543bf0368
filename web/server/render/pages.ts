import { setTimeout as pause } from 'node:timers/promises'
import type { Snapshot } from '../../shared/api.ts'
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
 * ms for which one rendering serves all visitors: so Next renders twice a second at the most. In development each visit
 * has its own, since Next ties what it tells a page about its making to one request.
 */
const renderEveryMs = 500

/** ms after which a page view waits for a newer page; until then it takes this one, while the newer one is being made. */
const waitAfterMs = 1000

/**
 * ms a page view waits for a newer page: with the time it then waits for its number, it must stay under what NGINX waits
 * for the page. A database that hangs would otherwise use up both.
 */
const patienceMs = 300

type PageTemplate = {
  template: Template<PageSlot>
  /** what it was rendered from; its counter is older than any hit that is submitted from now on */
  snapshot: Snapshot
}

type PageSource = PageRendering & {
  /** the newest snapshot, at most that old */
  snapshot(maxAgeMs: number): Promise<Snapshot>
}

/**
 * The page, rendered once for many visitors. All of a replica's visitors see the same page but for their own hit, so
 * Next renders it with tokens in place of the hit's own values, only when somebody asks and the snapshot has aged.
 */
export class PageTemplates {
  readonly #source: PageSource
  readonly #keepMs: number
  readonly #waitAfterMs: number
  readonly #tokens = makeTokens()
  #latest: PageTemplate | null = null
  #renderedAt = Number.NEGATIVE_INFINITY
  #rendering: Promise<PageTemplate> | null = null

  constructor(source: PageSource) {
    this.#source = source
    this.#keepMs = source.development ? 0 : renderEveryMs
    this.#waitAfterMs = source.development ? 0 : waitAfterMs
  }

  /**
   * A page at most a second old. When there is no newer one to be had, the last one: it says as of when it is.
   * @throws when not even a first one can be rendered
   */
  async current(): Promise<PageTemplate> {
    const ageMs = performance.now() - this.#renderedAt
    if (this.#latest && ageMs < this.#keepMs) return this.#latest
    this.#rendering ??= this.#render().finally(() => {
      this.#rendering = null
    })
    if (!this.#latest) return this.#rendering
    if (ageMs < this.#waitAfterMs) {
      // Whoever has to wait for a page hears of it.
      this.#rendering.catch(() => {})
      return this.#latest
    }
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
      const { nonce: _, ...visit } = this.#tokens
      const template = await renderTemplate(this.#source, { snapshot, visit, problem: null }, this.#tokens)
      this.#latest = { template, snapshot }
    }
    this.#renderedAt = startedAt
    return this.#last()
  }

  #last(): PageTemplate {
    if (!this.#latest) throw new Error('no page has been rendered yet')
    return this.#latest
  }
}

/** ms for which one rendering serves all: while visits fail but readings do not, each reading would ask for another. */
const problemRenderEveryMs = 500

/**
 * ms that a page view waits for a rendering. It has waited for its number before, and both together must stay under what NGINX
 * waits for the page, on a machine that is busy too.
 */
const problemPatienceMs = 300

type ProblemSource = PageRendering & {
  /** the last snapshot there is, however old; null = none */
  latest(): Snapshot | null
}

/**
 * The page of a visit that got no number: the board as this replica last saw it, which comes alive in the browser like any
 * other. Rendered when the first of them is asked for, then shared. It asks nothing of the database.
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
   * A rendering of the last snapshot; the one before it when that takes too long, and null when there is none before it.
   * @throws when there is nothing to show yet, or Next cannot render it
   */
  async current(): Promise<Template<ProblemSlot> | null> {
    const snapshot = this.#source.latest()
    if (!snapshot) throw new Error('there is nothing to show yet')
    const { development } = this.#source
    const last = this.#latest
    const isFresh =
      last?.snapshot === snapshot || performance.now() - (last?.renderedAt ?? 0) < problemRenderEveryMs
    if (last && isFresh && !development) return last.template
    this.#rendering ??= this.#render(snapshot).finally(() => {
      this.#rendering = null
    })
    if (development) return this.#rendering
    const timer = new AbortController()
    const timeUp = pause(problemPatienceMs, last?.template ?? null, { signal: timer.signal })
    // Whichever loses the race has nobody who hears of its failure.
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
