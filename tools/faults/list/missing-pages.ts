import { Agent } from 'node:http'
import { visitOnce } from '../../lib/visit-once.ts'
import type { Ground } from '../testbed/ground.ts'
import { loopbackAddress } from '../visitor.ts'

/** A quarter of them together, the others by so many clients, each of which waits for an answer before it asks again. */
const clients = 10

/** Requests `count` pages that do not exist. Answers other than 404, and a refusal that says when to try again, are complaints. */
export async function askOften({ url, complaints }: Ground, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const statuses = new Map<string, number>()
  let begun = 0
  const askOnce = async () => {
    const n = ++begun
    const { answer } = await visitOnce(`${url}nothing-here-${n}`, {
      agent,
      cookie: '',
      accept: 'text/html',
      from: loopbackAddress(8, n % clients),
    })
    const isRefusal = answer.status === 503 && answer.retryAfter
    if (answer.status === 404 || isRefusal) return
    statuses.set(String(answer.status), (statuses.get(String(answer.status)) ?? 0) + 1)
  }
  await Promise.all(Array.from({ length: count / 4 }, askOnce))
  const askInTurn = async () => {
    while (begun < count) await askOnce()
  }
  await Promise.all(Array.from({ length: clients }, askInTurn))
  agent.destroy()
  for (const [status, times] of statuses)
    complaints.push(`${times} requests for pages that do not exist were answered with status ${status}`)
}
