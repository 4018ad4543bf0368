import { DrainRefused } from '../web/drain/refused.ts'
import type { DrainRequest } from '../web/drain/request.ts'
import { attemptDocker } from './docker.ts'
import { DockerFailed } from './docker-failed.ts'
import { runningReplicas } from './replica-containers.ts'

/**
 * Has a server of the compose stack drain, or take new visitors again. It is said from inside a replica: nothing else
 * reaches the database. @returns what came of it @throws DrainRefused, or DockerFailed where no such stack runs
 */
export async function changeDrainInContainer({ change, name }: DrainRequest): Promise<string> {
  const replicas = await runningReplicas()
  const replica = replicas.find(({ health }) => health === 'healthy') ?? replicas[0]
  if (!replica) throw new DockerFailed('no replica runs')
  const program = ['node', 'web/drain.mjs', change, name]
  const { status, stdout, stderr } = await attemptDocker(['exec', replica.id, ...program])
  if (status !== 0) throw new DrainRefused(stderr.trim())
  return stdout.trim()
}
