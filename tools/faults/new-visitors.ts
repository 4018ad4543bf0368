import { Agent } from 'node:http'
import { visitOnce } from '../lib/visit-once.ts'
import { afterDatabase } from './fault.ts'
import type { Ground } from './testbed/ground.ts'
import { loopbackAddress } from './visitor.ts'

const visitors = 90
/** of `visitors`, which NGINX spreads evenly over three replicas that have nothing else to do */
const leastEach = 10

/** New visitors reach every replica as they did before the fault, within 5 s after it; what is not so becomes a complaint. */
export async function checkSpread(ground: Ground, { overAt }: { overAt: number }): Promise<void> {
  for (;;) {
    const isLast = performance.now() > overAt + afterDatabase
    const complaints = await visitOneByOne(ground)
    if (complaints.length === 0) return
    if (isLast) return void ground.complaints.push(...complaints)
  }
}

/** @returns what is wrong with the answers to 90 new visitors */
async function visitOneByOne(ground: Ground): Promise<string[]> {
  const agent = new Agent()
  const counts = new Map(ground.parts().replicas.map(({ srv_id }) => [srv_id, 0]))
  let failed = 0
  for (let n = 1; n <= visitors; n++) {
    const { answer } = await visitOnce(ground.url, { agent, cookie: '', from: loopbackAddress(6, n) })
    ground.asides.push(answer)
    if (answer.srvId === null) failed++
    else counts.set(answer.srvId, (counts.get(answer.srvId) ?? 0) + 1)
  }
  agent.destroy()
  const complaints: string[] = []
  if (failed > 0) complaints.push(`${failed} of ${visitors} new visitors got no page once all was well`)
  const spread = [...counts.values()]
  if (Math.min(...spread) < leastEach)
    complaints.push(`of ${visitors} new visitors the replicas got ${spread.join(', ')}`)
  return complaints
}
