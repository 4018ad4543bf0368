import { join } from 'node:path'
import type { ReplicaProgram } from '../stack/replica-program.ts'

export type StubOptions = {
  /** the replica that shall end at its start */
  fault?: string
  /** what it looks at when it is told to stop */
  nginxPort?: number
}

/** Runs stub-replica.ts. */
export function stubReplica({ fault = '', nginxPort = 0 }: StubOptions = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: [join(import.meta.dirname, 'stub-replica.ts')],
    cwd: import.meta.dirname,
    environment: { NODE_ENV: 'test', STUB_FAULT: fault, STUB_NGINX_PORT: String(nginxPort) },
    readyWithin: 30_000,
  }
}
