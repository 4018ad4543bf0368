import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, visitOnce } from '../../lib/visitors.ts'
import { afterDatabase } from './fault.ts'
import type { Testbed } from './testbed.ts'

export type Load = {
  /** one a page view, as its visitor saw it in the end */
  views: Answer[]
  /** requests that were sent once more: nobody was told what became of them */
  resent: Answer[]
  /** Begins no more page views, and resolves when those under way are answered. */
  stop(): Promise<void>
}

const visitorsAtFirst = 48
/** one in so many page views is of the page, the others of its JSON */
const pageEvery = 8

/**
 * Page views begun at a steady rate, whatever becomes of those before them: while nothing answers, more visitors come.
 * Half of the visitors are regulars.
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
  const underWay = new Set<Promise<void>>()
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
    for (let begun = 0; !stopped; await pause(4)) {
      const due = ((performance.now() - startedAt) / 1000) * perSecond
      for (; begun < due; begun++) {
        const view = viewOnce(begun).finally(() => underWay.delete(view))
        underWay.add(view)
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
      await Promise.all(underWay)
      agent.destroy()
    },
  }
}

/** One visitor, at an address of its own: so that a number which nobody was told can be laid to somebody. */
type Visitor = {
  visit(accept: 'application/json' | 'text/html'): Promise<Answer[]>
}

/**
 * A regular keeps its cookie, as a browser does; the others come as strangers each time.
 * @param address one of loopback's 16 million, all of which Linux answers to
 */
export function makeVisitor(url: string, agent: Agent, address: string, regular: boolean): Visitor {
  let kept = ''
  return {
    async visit(accept) {
      const visit = { agent, cookie: kept, accept, from: address }
      const first = await visitOnce(url, visit)
      // NGINX closes idle connections when it reloads; a browser whose request met that sends it once more.
      const answers = first.stale ? [first, await visitOnce(url, visit)] : [first]
      if (regular) kept = answers.findLast(({ setCookie }) => setCookie)?.setCookie ?? kept
      return answers.map(({ answer }) => answer)
    },
  }
}

/** The `n`th address of a group of 65,536; groups are 1 to 250. */
export const loopbackAddress = (group: number, n: number) => `127.${group}.${(n >> 8) & 255}.${n & 255}`

const newVisitorCount = 90
/** of `visitors`, which NGINX spreads evenly over three replicas that have nothing else to do */
const leastPerReplica = 10

/** New visitors reach every replica as they did before the fault, within 5 s after it; what is not so becomes a complaint. */
export async function checkSpread(ground: Testbed, { overAt }: { overAt: number }): Promise<void> {
  for (;;) {
    const isLast = performance.now() > overAt + afterDatabase
    const complaints = await visitOneByOne(ground)
    if (complaints.length === 0) return
    if (isLast) return void ground.complaints.push(...complaints)
  }
}

/** @returns what is wrong with the answers to 90 new visitors */
async function visitOneByOne(ground: Testbed): Promise<string[]> {
  const agent = new Agent()
  const counts = new Map(ground.parts().replicas.map(({ srv_id }) => [srv_id, 0]))
  let failed = 0
  for (let n = 1; n <= newVisitorCount; n++) {
    const { answer } = await visitOnce(ground.url, { agent, cookie: '', from: loopbackAddress(6, n) })
    ground.asides.push(answer)
    if (answer.srvId === null) failed++
    else counts.set(answer.srvId, (counts.get(answer.srvId) ?? 0) + 1)
  }
  agent.destroy()
  const complaints: string[] = []
  if (failed > 0)
    complaints.push(`${failed} of ${newVisitorCount} new visitors got no page once all was well`)
  const spread = [...counts.values()]
  if (Math.min(...spread) < leastPerReplica)
    complaints.push(`of ${newVisitorCount} new visitors the replicas got ${spread.join(', ')}`)
  return complaints
}
