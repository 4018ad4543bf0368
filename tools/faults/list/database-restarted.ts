import { afterDatabase, type Fault } from '../fault.ts'
import { signalProcess, untilEnded } from '../testbed/signals.ts'

export const databaseRestarted: Fault = {
  name: 'database-restarted',
  title: 'the database restarted in order',
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const { pid } = ground.parts().database
    signalProcess(pid, 'SIGTERM')
    await untilEnded(pid)
    await ground.database.untilItAnswers()
  },
}
