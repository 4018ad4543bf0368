import type { Fault } from '../testbed/fault.ts'
import { dashboardsDropped, leavingClients, memoryLimited, slowBodies, slowClients } from './clients.ts'
import {
  counterLocked,
  databaseClockJumped,
  databaseDiskFull,
  databaseFrozen,
  databaseKilled,
  databaseReadOnly,
  databaseRestarted,
  rightsRevoked,
} from './database.ts'
import { answerHeld, connectionCut, replicaCutOff, replicaUnheard } from './network.ts'
import {
  nginxKilled,
  nginxReloaded,
  nginxWorkerKilled,
  nginxWorkersKilled,
  nginxWorkersKilledDatabaseFrozen,
} from './nginx.ts'
import {
  allButOneKilled,
  clockJumped,
  replicaFrozen,
  replicaFrozenInBatch,
  replicaKilled,
  replicaStopped,
} from './replicas.ts'

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
