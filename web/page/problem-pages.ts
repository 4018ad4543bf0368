import type { Snapshot } from '../answers.ts'
import { retryAfter } from '../hit/errors.ts'
import { type PageRendering, renderTemplate } from './render-template.ts'
import type { Template } from './template.ts'
import { makeProblemTokens, type ProblemSlot } from './tokens.ts'

/** ms for which one rendering serves all: while visits fail but readings do not, each reading would ask for another. */
const renderEveryMs = 500

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

  /** @throws when there is nothing to show yet, or Next cannot render it */
  async current(): Promise<Template<ProblemSlot>> {
    const snapshot = this.#source.latest()
    if (!snapshot) throw new Error('there is nothing to show yet')
    const { development } = this.#source
    const last = this.#latest
    const isFresh = last?.snapshot === snapshot || performance.now() - (last?.renderedAt ?? 0) < renderEveryMs
    if (last && isFresh && !development) return last.template
    this.#rendering ??= this.#render(snapshot).finally(() => {
      this.#rendering = null
    })
    return this.#rendering
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
