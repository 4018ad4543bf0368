import { setTimeout as pause } from 'node:timers/promises'
import { answers } from '../../local/parts/answers.ts'
import type { Ground } from './ground.ts'

/** Until the database and NGINX answer and every replica is ready. */
export async function untilSettled({ url, database, parts }: Ground): Promise<void> {
  await database.untilItAnswers()
  while (!(await answers(`${url}healthz`))) await pause(50)
  while (!(await allReady(parts().replicas))) await pause(50)
}

async function allReady(replicas: { address: string }[]): Promise<boolean> {
  const ready = await Promise.all(replicas.map(({ address }) => answers(`http://${address}/health/ready`)))
  return ready.every(Boolean)
}
