import type { Agent } from 'node:http'
import { type Answer, visitOnce } from '../lib/visit-once.ts'

/** One visitor, at an address of its own: so that a number which nobody was told can be laid to somebody. */
export type Visitor = {
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
