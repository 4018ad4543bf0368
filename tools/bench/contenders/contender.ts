import type { ReplicaProgram } from '../../launcher/stack/replica-program.ts'
import type { Tables } from '../harness/make-schema.ts'

/** A way to count page views: what it is called, what is run behind NGINX, and what it counts in. */
export type Entrant = { name: string; program: ReplicaProgram; tables: Tables }

/** An entrant that runs: its servers behind an NGINX of its own, with the board's settings. */
export type Contender = {
  name: string
  url: string
  databaseUrl: string
  tables: Tables
  servers: { pid: number; address: string; srvId: string }[]
  nginxPid: number
  stop: () => Promise<void>
}
