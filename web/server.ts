import { BadEnvironment, parseEnvironment } from './config/environment.ts'
import { DatabaseTrouble } from './database/errors.ts'
import { startReplica } from './replica/replica.ts'

// The replica: one Node process that answers page views, the live feed and its own health, and hands the rest to Next.

try {
  const environment = parseEnvironment(process.env)
  const replica = await startReplica(environment, import.meta.dirname)
  const { name, address, srv_id } = replica.identity
  console.log(
    `${name} answers on http://${environment.host}:${environment.port} as ${address}, srv_id ${srv_id}`,
  )
  stopOnSignal(replica.stop)
} catch (error) {
  const isForPeople = error instanceof BadEnvironment || error instanceof DatabaseTrouble
  console.error(isForPeople ? error.message : error)
  process.exit(1)
}

/**
 * Ends in order on each signal that a person, a service manager or a closing terminal sends. Told again, it goes on as it was.
 */
function stopOnSignal(stop: () => Promise<void>): void {
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
