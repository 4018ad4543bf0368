import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, visitOnce } from '../../lib/visitors.ts'
import { usualRecoveryMs } from './fault.ts'
import type { Testbed } from './testbed.ts'

export type Load = {
  /** the last answer of each page view */
  views: Answer[]
  /** first tries of requests that were sent again, with unknown outcome */
  resent: Answer[]
  /** Starts no more page views, and resolves when those in flight are answered. */
  stop(): Promise<void>
}

const visitorsAtFirst = 48
/** Every eighth page view requests HTML, the others JSON. */
const pageEvery = 8

/**
 * Starts page views at a steady rate, whether or not earlier ones are answered (an open loop), with more visitors while
 * nothing answers. Half of the visitors keep their cookie.
 */
export function startLoad(url: string, perSecond: number): Load {
  const agent = new Agent({ keepAlive: true })
  const idle: Visitor[] = []
  let visitors = 0
  const newVisitor = () => {
    const n = ++visitors
    return makeVisitor(url, agent, loopbackAddress(1, n), n % 2 === 0)
  }
  while (visitors < visitorsAtFirst) idle.push(newVisitor())

  const views: Answer[] = []
  const resent: Answer[] = []
  const inFlight = new Set<Promise<void>>()
  async function viewOnce(n: number): Promise<void> {
    const visitor = idle.shift() ?? newVisitor()
    const answers = await visitor.visit(n % pageEvery === 0 ? 'text/html' : 'application/json')
    resent.push(...answers.slice(0, -1))
    views.push(...answers.slice(-1))
    idle.push(visitor)
  }

  let stopped = false
  async function run(): Promise<void> {
    const startedAt = performance.now()
    for (let started = 0; !stopped; await pause(4)) {
      const due = ((performance.now() - startedAt) / 1000) * perSecond
      for (; started < due; started++) {
        const view = viewOnce(started).finally(() => inFlight.delete(view))
        inFlight.add(view)
      }
    }
  }
  const running = run()
  return {
    views,
    resent,
    async stop() {
      stopped = true
      await running
      await Promise.all(inFlight)
      agent.destroy()
    },
  }
}

/** A visitor has a unique address, so a number without an answer can be attributed to it. */
type Visitor = {
  visit(accept: 'application/json' | 'text/html'): Promise<Answer[]>
}

/**
 * @param address one of the 16 million loopback addresses; Linux answers on all of them
 * @param keepsCookie as a browser does; otherwise every visit is a new visitor's
 */
export function makeVisitor(url: string, agent: Agent, address: string, keepsCookie: boolean): Visitor {
  let kept = ''
  return {
    async visit(accept) {
      const visit = { agent, cookie: kept, accept, from: address }
      const first = await visitOnce(url, visit)
      // NGINX closes idle connections on a reload. A browser whose request hits that sends it again.
      const answers = first.stale ? [first, await visitOnce(url, visit)] : [first]
      if (keepsCookie) kept = answers.findLast(({ setCookie }) => setCookie)?.setCookie ?? kept
      return answers.map(({ answer }) => answer)
    },
  }
}

/** The `n`th address of a group of 65,536; groups are 1 to 250. */
export const loopbackAddress = (group: number, n: number) => `127.${group}.${(n >> 8) & 255}.${n & 255}`

const newVisitorCount = 90
/** of `newVisitorCount`, which NGINX spreads evenly over three idle replicas */
const leastPerReplica = 10

/** Adds a complaint unless new visitors reach every replica again within 5 s after the fault. */
export async function checkSpread(testbed: Testbed, { overAt }: { overAt: number }): Promise<void> {
  for (;;) {
    const isLast = performance.now() > overAt + usualRecoveryMs
    const complaints = await visitOneByOne(testbed)
    if (complaints.length === 0) return
    if (isLast) return void testbed.complaints.push(...complaints)
  }
}

/** @returns complaints about the answers to 90 new visitors */
async function visitOneByOne(testbed: Testbed): Promise<string[]> {
  const agent = new Agent()
  const counts = new Map(testbed.processes().replicas.map(({ srv_id }) => [srv_id, 0]))
  let failed = 0
  for (let n = 1; n <= newVisitorCount; n++) {
    const { answer } = await visitOnce(testbed.url, { agent, cookie: '', from: loopbackAddress(6, n) })
    testbed.sideTraffic.push(answer)
    if (answer.srvId === null) failed++
    else counts.set(answer.srvId, (counts.get(answer.srvId) ?? 0) + 1)
  }
  agent.destroy()
  const complaints: string[] = []
  if (failed > 0) complaints.push(`${failed} of ${newVisitorCount} new visitors got no page after recovery`)
  const spread = [...counts.values()]
  if (Math.min(...spread) < leastPerReplica)
    complaints.push(`of ${newVisitorCount} new visitors the replicas got ${spread.join(', ')}`)
  return complaints
}
