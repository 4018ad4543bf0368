import { afterDatabase, type Fault } from '../fault.ts'
import { freezeProcess } from '../testbed/signals.ts'

export const databaseFrozen: Fault = {
  name: 'database-frozen',
  title: 'the database frozen for 6 s',
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  inject: ground => freezeProcess(ground.parts().database.pid, 6000),
}
