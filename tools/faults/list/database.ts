import { setTimeout as pause } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import { z } from 'zod'
import { databaseName, replicaAccount } from '../../lib/database-accounts.ts'
import { freezeProcess, signalProcess, untilEnded } from '../../lib/processes.ts'
import { until } from '../../lib/wait.ts'
import type { Fault } from '../testbed/fault.ts'
import type { Testbed } from '../testbed/testbed.ts'

export const databaseKilled: Fault = {
  name: 'database-killed',
  title: 'the database killed',
  allows: ['unavailable'],
  inject: testbed => endDatabase(testbed, 'SIGKILL'),
}

export const databaseRestarted: Fault = {
  name: 'database-restarted',
  title: 'the database restarted cleanly',
  allows: ['unavailable'],
  inject: testbed => endDatabase(testbed, 'SIGTERM'),
}

async function endDatabase({ processes, database }: Testbed, signal: NodeJS.Signals): Promise<void> {
  const { pid } = processes().database
  signalProcess(pid, signal)
  await untilEnded(pid)
  await database.untilItAnswers()
}

export const databaseFrozen: Fault = {
  name: 'database-frozen',
  title: 'the database frozen for 6 s',
  allows: ['unavailable'],
  inject: testbed => freezeProcess(testbed.processes().database.pid, 6000),
}

export const databaseReadOnly: Fault = {
  name: 'database-read-only',
  title: 'the database read-only for 5 s',
  allows: ['unavailable'],
  async inject(testbed) {
    await untilBroken(async () => {
      const root = await testbed.database.connectAsRoot()
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
  async inject(testbed) {
    await untilBroken(async () => {
      const connection = await testbed.database.connect()
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
  async inject({ smallDisk }) {
    await smallDisk?.fill()
    await pause(5000)
    smallDisk?.empty()
  },
}

const clockJumpDays = 31
const secondsPerDay = 86_400
/** More than the ten seconds between two retention passes of a replica */
const clockJumpMs = 12_000

/** Retention removes log rows by age. By a clock that jumped ahead, all rows are old. */
export const databaseClockJumped: Fault = {
  name: 'database-clock-jumped',
  title: `the database’s clock ${clockJumpDays} days ahead for ${clockJumpMs / 1000} s`,
  needs: ['databaseClock'],
  setsClockBack: true,
  async inject(testbed) {
    testbed.databaseClock?.jumpTo(clockJumpDays * secondsPerDay)
    await untilClockIs(testbed, clockJumpDays)
    await pause(clockJumpMs)
    testbed.databaseClock?.jumpTo(0)
    await untilClockIs(testbed, 0)
  },
  async check(testbed) {
    const logs = testbed.processes().replicas.map(testbed.logOf)
    if (!logs.some(log => /clock/i.test(log)))
      testbed.complaints.push('no replica logged that the clock of the database jumped')
  },
}

const clockRow = z.tuple([z.object({ seconds: z.coerce.number() })])

/** The process reads its faked time once a second. @throws if the clock has not jumped within a minute */
async function untilClockIs(testbed: Testbed, daysAhead: number): Promise<void> {
  const connection = await testbed.database.connect()
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
/** ms after the revocation in which the outcome of batches in flight may be unknown */
const startMarginMs = 2000
/** ms before the end in which the right may be back already, and page views may be counted */
const endMarginMs = 500
const replicaGrantee = `'${replicaAccount}'@'127.0.0.1'`

/** The database is up, reads and heartbeats work, and no page view can be counted. */
export const rightsRevoked: Fault = {
  name: 'rights-revoked',
  title: `the replicas’ right to insert rows revoked for ${revokedMs / 1000} s`,
  allows: ['unavailable'],
  async inject(testbed) {
    await untilBroken(async () => {
      const root = await testbed.database.connectAsRoot()
      await root.query(`REVOKE INSERT ON ${databaseName}.* FROM ${replicaGrantee}`)
      await endConnections(root)
      await pause(revokedMs)
      await checkReadiness(testbed)
      await root.query(`GRANT INSERT ON ${databaseName}.* TO ${replicaGrantee}`)
      await root.end()
    })
  },
  async check({ processes, logOf, complaints }, { views, injectedAt, overAt }) {
    const unknownOutcome = views.filter(
      ({ code, startedAt, took }) =>
        code === 'outcome_unknown' &&
        startedAt > injectedAt + startMarginMs &&
        startedAt + took < overAt - endMarginMs,
    )
    if (unknownOutcome.length > 0)
      complaints.push(
        `${unknownOutcome.length} page views that cannot be counted were answered outcome_unknown`,
      )
    for (const replica of processes().replicas)
      if (!/denied/i.test(logOf(replica))) complaints.push(`${replica.name} did not log why it cannot count`)
  },
}

const processRows = z.array(z.object({ id: z.coerce.number() }))

/** A connection keeps a right on a whole database until it ends, even after a revocation. */
async function endConnections(root: Connection): Promise<void> {
  const [rows] = await root.query('SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ?', [
    replicaAccount,
  ])
  for (const { id } of processRows.parse(rows)) await root.query(`KILL ${id}`).catch(() => {})
}

/** A replica that cannot count must not be ready. A replica that another fault keeps from answering is skipped. */
async function checkReadiness({ processes, complaints }: Testbed): Promise<void> {
  for (const { name, address } of processes().replicas) {
    const signal = AbortSignal.timeout(1000)
    const answer = await fetch(`http://${address}/health/ready`, { signal }).catch(() => null)
    if (answer?.status === 200) complaints.push(`${name} reports ready but cannot count`)
  }
}

/** Runs `work` on a database connection. Ends without an error if another fault breaks the connection. */
async function untilBroken(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Error && 'fatal' in error && error.fatal === true)) throw error
  }
}
