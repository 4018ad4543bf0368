import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { poll } from './wait.ts'

/** ms. Shorter than a test's time limit: a test that exceeds its limit leaves the processes it started running. */
const longest = 90_000

/** Polls until `ask` returns neither null, false nor undefined, and returns that. @throws after `ms`, or what `ask` throws */
export async function eventually<T>(ask: () => Promise<T> | T, { ms = longest, everyMs = 20 } = {}) {
  const answer = await poll(ask, ms, everyMs)
  if (answer === null) throw new Error(`waited in vain for: ${ask}`)
  return answer
}

/** A new folder for one test, removed when it goes out of scope. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'board-stack-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
