import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'
import { untilBroken } from './until-broken.ts'

export const counterLocked: Fault = {
  name: 'counter-locked',
  title: 'the counter’s row locked for 5 s',
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    await untilBroken(async () => {
      const connection = await ground.database.connect()
      await connection.query('START TRANSACTION')
      await connection.query('SELECT value FROM global_counter WHERE id = 1 FOR UPDATE')
      await pause(5000)
      await connection.query('ROLLBACK')
      await connection.end()
    })
  },
}
