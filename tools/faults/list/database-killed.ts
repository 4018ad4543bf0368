import { afterDatabase, type Fault } from '../fault.ts'
import { signalProcess, untilEnded } from '../testbed/signals.ts'

export const databaseKilled: Fault = {
  name: 'database-killed',
  title: 'the database killed',
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const { pid } = ground.parts().database
    signalProcess(pid, 'SIGKILL')
    await untilEnded(pid)
    await ground.database.untilItAnswers()
  },
}
