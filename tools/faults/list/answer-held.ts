import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'

/** Longer than a page view may wait for its number. */
const forMs = 3000

/** The batch is committed, and its replica is not told in time: it must say that it does not know. */
export const answerHeld: Fault = {
  name: 'answer-held',
  title: `the answer to a commit held back for ${forMs / 1000} s`,
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const proxy = ground.proxyOf(ground.someReplica())
    const { promise, resolve } = Promise.withResolvers<void>()
    proxy.trap('COMMIT', { kind: 'hold-answer', forMs }, resolve)
    await promise
    await pause(forMs)
  },
}
