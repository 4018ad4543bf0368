import { builtReplica, type ReplicaProgram } from '../../launcher/stack/replica-program.ts'

/** A replica that leaves the processor to the page: the machine of who reads it is not the servers'. */
export function politeReplica(): ReplicaProgram {
  const { command, arguments: program, ...rest } = builtReplica(process.env)
  return { ...rest, command: 'nice', arguments: ['-n', '10', command, ...program] }
}
