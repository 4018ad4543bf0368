import { setTimeout as pause } from 'node:timers/promises'
import type { Snapshot } from '../../shared/api.ts'
import { retryAfter } from '../hits/errors.ts'
import { type PageRendering, renderTemplate } from './render-template.ts'
import type { Template } from './template.ts'
import { makeProblemTokens, type ProblemSlot } from './tokens.ts'

/** ms for which one rendering serves all: while visits fail but readings do not, each reading would ask for another. */
const renderEveryMs = 500

/**
 * ms that a page view waits for a rendering. It has waited for its number before, and both together must stay under what NGINX
 * waits for the page, on a machine that is busy too.
 */
const patienceMs = 300

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
    const isFresh = last?.snapshot === snapshot || performance.now() - (last?.renderedAt ?? 0) < renderEveryMs
    if (last && isFresh && !development) return last.template
    this.#rendering ??= this.#render(snapshot).finally(() => {
      this.#rendering = null
    })
    if (development) return this.#rendering
    const timer = new AbortController()
    const timeUp = pause(patienceMs, last?.template ?? null, { signal: timer.signal })
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
