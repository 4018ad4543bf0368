import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'

const hour = 3600
/** ms between two jumps: each is noticed within a second */
const rest = 2500

export const clockJumped: Fault = {
  name: 'clock-jumped',
  title: 'a replica’s clock an hour ahead, then a day behind',
  allows: [],
  recoversWithin: afterDatabase,
  async inject({ clock }) {
    if (!clock) throw new Error('libfaketime is not installed on this machine')
    for (const secondsAhead of [hour, -24 * hour, 0]) {
      clock.jumpTo(secondsAhead)
      await pause(rest)
    }
  },
}
