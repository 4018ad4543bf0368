import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** ms after which what never comes is a failure: less than a test's own time limit, which ends no process that it started. */
const longest = 90_000

/** Asks again until the answer is neither null nor false. @throws after a minute and a half */
export async function eventually<T>(
  ask: () => Promise<T> | T,
): Promise<Exclude<T, null | false | undefined>> {
  const deadline = performance.now() + longest
  for (;;) {
    const answer = await ask()
    if (isAnswer(answer)) return answer
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${ask}`)
    await sleep(20)
  }
}

function isAnswer<T>(answer: T): answer is Exclude<T, null | false | undefined> {
  return answer !== null && answer !== false && answer !== undefined
}

/** A folder of the test's own, removed when it goes out of scope. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'board-stack-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
