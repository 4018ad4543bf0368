import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'
import { untilBroken } from './until-broken.ts'

export const databaseReadOnly: Fault = {
  name: 'database-read-only',
  title: 'the database read-only for 5 s',
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    await untilBroken(async () => {
      const root = await ground.database.connectAsRoot()
      await root.query('SET GLOBAL read_only = 1')
      await pause(5000)
      await root.query('SET GLOBAL read_only = 0')
      await root.end()
    })
  },
}
