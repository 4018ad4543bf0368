import { join } from 'node:path'
import { parseEnvironment } from '../config.ts'
import { UserError } from '../errors.ts'
import { startReplica } from './replica.ts'

// The replica: one Node process that answers page views, the live feed and its own health, and hands the rest to Next.

try {
  const environment = parseEnvironment(process.env)
  // Next's folder is web/: the built replica is in it, this source is two below.
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
 * Ends in order on each signal that a person, a service manager or a closing terminal sends. Told again, it goes on as it was.
 * It ignores SIGUSR1, for which Node would open its debugger, and SIGUSR2, which would end it in the middle of its requests.
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
