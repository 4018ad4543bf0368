import { findProcess } from '../../lib/process-table.ts'
import type { StackFile } from '../stack/stack-file.ts'

export const pidsOf = ({ nginx, database, replicas }: StackFile) => [
  nginx.pid,
  database.pid,
  ...replicas.map(replica => replica.pid),
]

/** Those of `pids` that have not ended. */
export const alive = (pids: number[]) => pids.filter(pid => findProcess(pid) !== null)
