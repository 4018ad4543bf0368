// The replica: one Node process that answers page views, the API, the live feed, health and metrics, and serves Next's
// assets. NGINX sends it requests; compose and `npm start` run it. Start: web/server/config.ts parses the environment,
// replica.ts starts and stops everything, services.ts builds the parts, routes.ts lists the endpoints. A page view goes
// through endpoints/page.ts, hits/hit-queue.ts, db/hit-store.ts and render/pages.ts.

import { join } from 'node:path'
import { parseEnvironment } from '../config.ts'
import { UserError } from '../errors.ts'
import { log, useLog } from '../log.ts'
import { startReplica } from './replica.ts'

// Until the environment is parsed: its errors are lines of the log too.
useLog(process.env.LOG_FORMAT === 'text' ? 'text' : 'json', () => null)
process.on('uncaughtException', error => end('the replica ends after an error that nothing caught', error))
// Node's own listener would print warnings, without a time.
process.removeAllListeners('warning')
process.on('warning', warning => log.warn('a warning of Node', { err: warning }))

try {
  const environment = parseEnvironment(process.env)
  useLog(environment.logFormat, () => environment.serverName)
  // Next's folder is web/. The built replica is in web/, this source file in web/server/replica.
  const nextDir = environment.development ? join(import.meta.dirname, '../..') : import.meta.dirname
  const { identity, stop } = await startReplica(environment, nextDir)
  const { host, port } = environment
  log.info(
    `${identity.name} answers on http://${host}:${port} as ${identity.address}, srv_id ${identity.srv_id}`,
  )
  stopOnSignal(stop)
} catch (error) {
  end('the replica did not start', error)
}

/** Logs why and exits. The message of a UserError is for a person: it needs no stack. */
function end(what: string, error: unknown): never {
  if (error instanceof UserError) log.fatal(error.message)
  else log.fatal(what, { err: error })
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
      log.info(`${signal}: it stops`)
      await stop()
      log.info('it has stopped')
      process.exit(0)
    })
  }
}
