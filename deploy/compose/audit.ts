import { docker } from './docker.ts'
import { DockerFailed } from './docker-failed.ts'
import { isHealthy, runningReplicas } from './replica-containers.ts'

/**
 * What /api/audit of the compose stack answers, asked from inside a replica: so it is independent of HTTP_PORT, HTTPS and
 * proxies. @throws DockerFailed where no replica runs, or none answers as it should
 */
export async function readAuditInContainer(): Promise<unknown> {
  const replicas = await runningReplicas()
  const replica = replicas.find(isHealthy) ?? replicas[0]
  if (!replica) throw new DockerFailed('no replica runs')
  const script = `fetch('http://127.0.0.1:3000/api/audit').then(async answer => {
    process.stdout.write(await answer.text())
    process.exitCode = answer.ok ? 0 : 3
  })`
  return JSON.parse(await docker(['exec', replica.id, 'node', '-e', script]))
}
