import { setTimeout as pause } from 'node:timers/promises'
import { afterDatabase, type Fault } from '../fault.ts'

export const databaseDiskFull: Fault = {
  name: 'database-disk-full',
  title: 'the database’s disk full for 5 s',
  allows: ['unavailable'],
  needs: ['smallDisk'],
  recoversWithin: afterDatabase,
  async inject({ smallDisk }) {
    await smallDisk?.fill()
    await pause(5000)
    smallDisk?.empty()
  },
}
