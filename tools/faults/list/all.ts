import type { Fault } from '../fault.ts'
import { allButOneKilled } from './all-but-one-killed.ts'
import { answerHeld } from './answer-held.ts'
import { clockJumped } from './clock-jumped.ts'
import { connectionCut } from './connection-cut.ts'
import { counterLocked } from './counter-locked.ts'
import { dashboardsDropped } from './dashboards-dropped.ts'
import { databaseClockJumped } from './database-clock-jumped.ts'
import { databaseDiskFull } from './database-disk-full.ts'
import { databaseFrozen } from './database-frozen.ts'
import { databaseKilled } from './database-killed.ts'
import { databaseReadOnly } from './database-read-only.ts'
import { databaseRestarted } from './database-restarted.ts'
import { leavingClients } from './leaving-clients.ts'
import { memoryLimited } from './memory-limited.ts'
import { nginxKilled } from './nginx-killed.ts'
import { nginxReloaded } from './nginx-reloaded.ts'
import {
  nginxWorkerKilled,
  nginxWorkersKilled,
  nginxWorkersKilledDatabaseFrozen,
} from './nginx-workers-killed.ts'
import { replicaCutOff, replicaUnheard } from './replica-cut-off.ts'
import { replicaFrozen } from './replica-frozen.ts'
import { replicaFrozenInBatch } from './replica-frozen-in-batch.ts'
import { replicaKilled } from './replica-killed.ts'
import { replicaStopped } from './replica-stopped.ts'
import { rightsRevoked } from './rights-revoked.ts'
import { slowBodies } from './slow-bodies.ts'
import { slowClients } from './slow-clients.ts'

/**
 * In the order in which they are tried. The faults that kill workers of NGINX are apart: after crashes in a row it waits longer
 * before it recovers.
 */
export const allFaults: Fault[] = [
  replicaKilled,
  replicaStopped,
  allButOneKilled,
  replicaFrozen,
  replicaFrozenInBatch,
  replicaCutOff,
  replicaUnheard,
  connectionCut,
  answerHeld,
  databaseKilled,
  databaseRestarted,
  databaseFrozen,
  databaseReadOnly,
  counterLocked,
  rightsRevoked,
  nginxReloaded,
  nginxKilled,
  nginxWorkerKilled,
  clockJumped,
  nginxWorkersKilled,
  dashboardsDropped,
  slowClients,
  slowBodies,
  nginxWorkersKilledDatabaseFrozen,
  leavingClients,
  databaseDiskFull,
  databaseClockJumped,
  memoryLimited,
]
