import { setTimeout as pause } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import { z } from 'zod'
import { databaseName, replicaAccount } from '../../lib/database-accounts.ts'
import { signalProcess } from '../../lib/processes.ts'
import { afterDatabase, type Fault } from '../testbed/fault.ts'
import { freezeProcess, until, untilEnded } from '../testbed/processes.ts'
import type { Testbed } from '../testbed/testbed.ts'

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

export const databaseFrozen: Fault = {
  name: 'database-frozen',
  title: 'the database frozen for 6 s',
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  inject: ground => freezeProcess(ground.parts().database.pid, 6000),
}

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

const clockJumpDays = 31
const secondsPerDay = 86_400
/** More than the ten seconds after which retention looks at the log again, on each replica. */
const clockJumpMs = 12_000

/** Rows are removed from the log by their age. By a clock that jumped ahead for a moment, all are old. */
export const databaseClockJumped: Fault = {
  name: 'database-clock-jumped',
  title: `the database’s clock ${clockJumpDays} days ahead for ${clockJumpMs / 1000} s`,
  allows: [],
  needs: ['databaseClock'],
  setsClockBack: true,
  recoversWithin: afterDatabase,
  async inject(ground) {
    ground.databaseClock?.jumpTo(clockJumpDays * secondsPerDay)
    await untilClockIs(ground, clockJumpDays)
    await pause(clockJumpMs)
    ground.databaseClock?.jumpTo(0)
    await untilClockIs(ground, 0)
  },
  async check(ground) {
    const logs = ground.parts().replicas.map(ground.logOf)
    if (!logs.some(log => /clock/i.test(log)))
      ground.complaints.push('no replica logged that the clock of the database jumped')
  },
}

const clockRow = z.tuple([z.object({ seconds: z.coerce.number() })])

/** The process looks at its faked time once a second. @throws when it has not jumped after a minute */
async function untilClockIs(ground: Testbed, daysAhead: number): Promise<void> {
  const connection = await ground.database.connect()
  try {
    await until(`the clock of the database is ${daysAhead} days ahead`, async () => {
      const [rows] = await connection.query('SELECT UNIX_TIMESTAMP() AS seconds')
      const [{ seconds }] = clockRow.parse(rows)
      const ahead = (seconds - Date.now() / 1000) / secondsPerDay
      return Math.abs(ahead - daysAhead) < 0.01
    })
  } finally {
    await connection.end()
  }
}

const revokedMs = 8000
/** ms in which batches that were under way may not know what became of them */
const firstMoment = 2000
/** ms before the end in which the right is there again, and page views may be counted */
const lastMoment = 500
const replicaGrantee = `'${replicaAccount}'@'127.0.0.1'`

/** The database is there, reads and heartbeats go on, and no page view can be counted. */
export const rightsRevoked: Fault = {
  name: 'rights-revoked',
  title: `the replicas’ right to insert rows revoked for ${revokedMs / 1000} s`,
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    await untilBroken(async () => {
      const root = await ground.database.connectAsRoot()
      await root.query(`REVOKE INSERT ON ${databaseName}.* FROM ${replicaGrantee}`)
      await endConnections(root)
      await pause(revokedMs)
      await checkReadiness(ground)
      await root.query(`GRANT INSERT ON ${databaseName}.* TO ${replicaGrantee}`)
      await root.end()
    })
  },
  async check({ parts, logOf, complaints }, { views, injectedAt, overAt }) {
    const unsure = views.filter(
      ({ code, startedAt, took }) =>
        code === 'outcome_unknown' &&
        startedAt > injectedAt + firstMoment &&
        startedAt + took < overAt - lastMoment,
    )
    if (unsure.length > 0)
      complaints.push(`${unsure.length} page views that cannot be counted were answered outcome_unknown`)
    for (const replica of parts().replicas)
      if (!/denied/i.test(logOf(replica)))
        complaints.push(`${replica.name} did not log why it counts nothing`)
  },
}

const processRows = z.array(z.object({ id: z.coerce.number() }))

/** A right on a whole database holds for as long as a connection, whatever is revoked meanwhile: so these end. */
async function endConnections(root: Connection): Promise<void> {
  const [rows] = await root.query('SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ?', [
    replicaAccount,
  ])
  for (const { id } of processRows.parse(rows)) await root.query(`KILL ${id}`).catch(() => {})
}

/** New visitors should not come to a replica that cannot count them. One that another fault keeps from answering is left out. */
async function checkReadiness({ parts, complaints }: Testbed): Promise<void> {
  for (const { name, address } of parts().replicas) {
    const signal = AbortSignal.timeout(1000)
    const answer = await fetch(`http://${address}/health/ready`, { signal }).catch(() => null)
    if (answer?.status === 200) complaints.push(`${name} says that it is ready, and cannot count`)
  }
}

/** Does `work` on a connection to the database, and takes it as done where another fault breaks the connection. */
async function untilBroken(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Error && 'fatal' in error && error.fatal === true)) throw error
  }
}
