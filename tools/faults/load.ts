import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../lib/visit-once.ts'
import { loopbackAddress, makeVisitor, type Visitor } from './visitor.ts'

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
