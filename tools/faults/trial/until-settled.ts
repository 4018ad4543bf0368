import { answers } from '../../lib/answers.ts'
import type { Ground } from '../testbed/ground.ts'
import { until } from '../testbed/until.ts'

/** Until the database and NGINX answer and every replica is ready. */
export async function untilSettled({ url, database, parts }: Ground): Promise<void> {
  await database.untilItAnswers()
  await until('NGINX answers', () => answers(`${url}healthz`))
  await until('every replica is ready', () => allReady(parts().replicas))
}

async function allReady(replicas: { address: string }[]): Promise<boolean> {
  const ready = await Promise.all(replicas.map(({ address }) => answers(`http://${address}/health/ready`)))
  return ready.every(Boolean)
}
