import { join } from 'node:path'

/** How a replica is run; where it listens and what it reads is added by the stack. */
export type ReplicaProgram = {
  command: string
  arguments: string[]
  cwd: string
  environment: NodeJS.ProcessEnv
  /** how long it may take until it is ready, in ms */
  readyWithin: number
}

type Variables = Record<string, string | undefined>

const root = join(import.meta.dirname, '..', '..', '..')

/** What `npm run build` made. */
export function builtReplica(environment: Variables = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: ['--enable-source-maps', 'replica.mjs'],
    cwd: join(root, 'web/.next/standalone/web'),
    environment: { ...environment, NODE_ENV: 'production' },
    readyWithin: 30_000,
  }
}

/** The sources as they are, with Next's hot reload. Next allows one such process a project. */
export function sourceReplica(environment: Variables = {}): ReplicaProgram {
  return {
    command: process.execPath,
    arguments: [join(root, 'web/server/main.ts')],
    cwd: root,
    environment: { ...environment, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
    readyWithin: 120_000, // it compiles first
  }
}
