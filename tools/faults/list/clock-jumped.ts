import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'
import { replicaWithClock } from '../testbed/ground.ts'

const hour = 3600
/** ms between two jumps: each is noticed within a second */
const rest = 2500

export const clockJumped: Fault = {
  name: 'clock-jumped',
  title: 'a replica’s clock an hour ahead, then a day behind',
  allows: [],
  needs: ['replicaClock'],
  recoversWithin: afterDatabase,
  async inject({ replicaClock, parts }) {
    for (const secondsAhead of [hour, -24 * hour, 0]) {
      replicaClock?.jumpTo(secondsAhead)
      await pause(rest)
      const replica = parts().replicas.find(({ name }) => name === replicaWithClock)
      await checkClock(`http://${replica?.address}/health/live`, secondsAhead)
    }
  },
}

/** A jump that did not happen would prove nothing. One that another fault keeps from answering is not asked. */
async function checkClock(url: string, secondsAhead: number): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null)
  if (!answer) return
  const ahead = (Date.parse(answer.headers.get('date') ?? '') - Date.now()) / 1000
  if (!(Math.abs(ahead - secondsAhead) < 60))
    throw new Error(`the clock is ${ahead} s ahead, not ${secondsAhead}`)
}
