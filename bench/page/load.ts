import { visitMany } from '../../e2e/load.ts'
import type { Answer } from '../../e2e/visit-once.ts'

/** Visits while something is measured. */
export type Load = AsyncDisposable & {
  /** Ends it. @returns what became of the visits */
  end(): Promise<LoadFigures>
}

export type LoadFigures = { perSecond: number; failed: number }

const perSecond = 1000
/** Whatever happens, it ends after that. */
const longestMs = 30 * 60_000

/** A thousand strangers a second, as far as the machine can. */
export function startLoad(url: string): Load {
  const told = new AbortController()
  const beganAt = performance.now()
  const answers = visitMany(`${url}/`, {
    connections: 32,
    perSecond,
    forMs: longestMs,
    until: told.signal,
  })
  async function end(): Promise<LoadFigures> {
    told.abort()
    return figuresOf(await answers, performance.now() - beganAt)
  }
  return {
    end,
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}

function figuresOf(answers: Answer[], lasted: number): LoadFigures {
  return {
    perSecond: (answers.length / lasted) * 1000,
    failed: answers.filter(({ status }) => status !== 200).length,
  }
}
