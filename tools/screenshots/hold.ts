import { rmSync, writeFileSync } from 'node:fs'
import type { ReplicaProgram } from '../launcher/stack/replica-program.ts'

/** While it is set, a replica that is to start waits: a restart takes a second otherwise, too short to be seen. */
export type Hold = { path: string; set(): void; release(): void }

export function openHold(path: string): Hold {
  return {
    path,
    set: () => writeFileSync(path, ''),
    release: () => rmSync(path, { force: true }),
  }
}

/** The same program, which heeds a hold before it starts. */
export function holdable(program: ReplicaProgram, hold: Hold): ReplicaProgram {
  const wait = 'while [ -e "$0" ]; do sleep 0.1; done; exec "$@"'
  return {
    ...program,
    command: '/bin/sh',
    arguments: ['-c', wait, hold.path, program.command, ...program.arguments],
  }
}
