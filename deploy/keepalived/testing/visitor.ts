// Visits a board every 50 ms, however long the answers take, and prints each answer as a line of JSON, until it is ended:
//   node deploy/keepalived/testing/visitor.ts URL SRV_ID
// Every second visit has the cookie SRV_ID. `late`: ms that this process came to a visit after it was due, so how busy the
// machine is.

import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { visitOnce } from '../../../tools/lib/visitors.ts'

const everyMs = 50
const [url = '', srvId = ''] = process.argv.slice(2)
// Each visit on a new connection, as of a new visitor: a kept one could wait for a machine that is gone.
const agent = new Agent({ keepAlive: false })
const startsAt = performance.now()
for (let n = 0; ; n++) {
  const wait = startsAt + n * everyMs - performance.now()
  if (wait > 0) await pause(wait)
  const late = performance.now() - (startsAt + n * everyMs)
  const bound = n % 2 === 0
  void visitOnce(url, { agent, cookie: bound ? `srv_id=${srvId}` : '' }).then(({ answer }) =>
    console.log(JSON.stringify({ ...answer, bound, late, endedAt: performance.now() })),
  )
}
