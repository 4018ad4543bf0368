import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is neither null nor false; the test's own time limit ends what never comes. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
): Promise<Exclude<T, null | false | undefined>> {
  for (;;) {
    const answer = await ask()
    if (isAnswer(answer)) return answer
    await sleep(20)
  }
}

function isAnswer<T>(answer: T): answer is Exclude<T, null | false | undefined> {
  return answer !== null && answer !== false && answer !== undefined
}
