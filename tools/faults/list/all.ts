// The faults, by what they break: a module each for clients, the database, the network, NGINX and the replicas.
// run.ts chooses from `allFaults`. A fault uses ../testbed only: it injects, resolves when its cause is gone,
// and may check further promises after recovery.

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

/** Faults run in this order. Those that kill NGINX workers are not adjacent: after several crashes NGINX recovers more slowly. */
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
