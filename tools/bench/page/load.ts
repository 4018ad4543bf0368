import { visitMany } from '../../lib/load.ts'
import type { Answer } from '../../lib/visit-once.ts'

/** Visits while something is measured. */
export type Load = AsyncDisposable & {
  /** Ends it. @returns what became of the visits */
  end(): Promise<LoadFigures>
}

/** `failures`: how many page views failed, by what they were told, such as "overloaded"; "unanswered" where they were not. */
export type LoadFigures = { perSecond: number; failures: Record<string, number> }

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
  const failures: Record<string, number> = {}
  for (const { status, code } of answers) {
    if (status === 200) continue
    const reason = status === 0 ? 'unanswered' : (code ?? String(status))
    failures[reason] = (failures[reason] ?? 0) + 1
  }
  return {
    perSecond: (answers.length / lasted) * 1000,
    failures,
  }
}
