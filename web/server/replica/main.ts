// The replica: one Node process that answers page views, the API, the live feed, health and metrics, and serves Next's
// assets. NGINX sends it requests; compose and `npm start` run it. Start: web/server/config.ts parses the environment,
// replica.ts starts and stops everything, services.ts builds the parts, routes.ts lists the endpoints. A page view goes
// through endpoints/page.ts, hits/hit-queue.ts, db/hit-store.ts and render/pages.ts.

import { join } from 'node:path'
import { parseEnvironment } from '../config.ts'
import { UserError } from '../errors.ts'
import { startReplica } from './replica.ts'

try {
  const environment = parseEnvironment(process.env)
  // Next's folder is web/. The built replica is in web/, this source file in web/server/replica.
  const nextDir = environment.development ? join(import.meta.dirname, '../..') : import.meta.dirname
  const replica = await startReplica(environment, nextDir)
  const { name, address, srv_id } = replica.identity
  console.log(
    `${name} answers on http://${environment.host}:${environment.port} as ${address}, srv_id ${srv_id}`,
  )
  stopOnSignal(replica.stop)
} catch (error) {
  console.error(error instanceof UserError ? error.message : error)
  process.exit(1)
}

/**
 * Stops in good order on the signals that a person, a service manager or a closing terminal sends. Ignores them while it stops.
 * Ignores SIGUSR1, which would open Node's debugger, and SIGUSR2, which would end the process.
 */
function stopOnSignal(stop: () => Promise<void>): void {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {})
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, async () => {
      if (stopping) return
      stopping = true
      await stop()
      process.exit(0)
    })
  }
}
