import { setTimeout as pause } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import { z } from 'zod'
import { databaseName, replicaAccount } from '../../lib/database-accounts.ts'
import { afterDatabase, type Fault } from '../fault.ts'
import type { Ground } from '../testbed/ground.ts'
import { untilBroken } from './until-broken.ts'

const forMs = 8000
/** ms in which batches that were under way may not know what became of them */
const firstMoment = 2000
/** ms before the end in which the right is there again, and page views may be counted */
const lastMoment = 500
const account = `'${replicaAccount}'@'127.0.0.1'`

/** The database is there, reads and heartbeats go on, and no page view can be counted. */
export const rightsRevoked: Fault = {
  name: 'rights-revoked',
  title: `the replicas’ right to insert rows revoked for ${forMs / 1000} s`,
  allows: ['unavailable'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    await untilBroken(async () => {
      const root = await ground.database.connectAsRoot()
      await root.query(`REVOKE INSERT ON ${databaseName}.* FROM ${account}`)
      await endConnections(root)
      await pause(forMs)
      await checkReadiness(ground)
      await root.query(`GRANT INSERT ON ${databaseName}.* TO ${account}`)
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

const processes = z.array(z.object({ id: z.coerce.number() }))

/** A right on a whole database holds for as long as a connection, whatever is revoked meanwhile: so these end. */
async function endConnections(root: Connection): Promise<void> {
  const [rows] = await root.query('SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ?', [
    replicaAccount,
  ])
  for (const { id } of processes.parse(rows)) await root.query(`KILL ${id}`).catch(() => {})
}

/** New visitors should not come to a replica that cannot count them. One that another fault keeps from answering is left out. */
async function checkReadiness({ parts, complaints }: Ground): Promise<void> {
  for (const { name, address } of parts().replicas) {
    const signal = AbortSignal.timeout(1000)
    const answer = await fetch(`http://${address}/health/ready`, { signal }).catch(() => null)
    if (answer?.status === 200) complaints.push(`${name} says that it is ready, and cannot count`)
  }
}
